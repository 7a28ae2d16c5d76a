"""Laws of scale: how contrastive entropy and ranking metrics move with parameters, trained pairs and FLOPs.

Fitted as in "Scaling Laws For Dense Retrieval" (arXiv 2403.18684), with intervals from the spread of seeds. All
functions are pure: arrays and seeds of a generator in, arrays out.
"""
