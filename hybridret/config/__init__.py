"""From the command line and conf/ to typed settings and plug-ins. The only room below the sweep that knows Hydra."""
