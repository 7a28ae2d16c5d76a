"""The critical batch size: up to which batch fewer steps pay for larger ones (Zhang et al. 2024, arXiv 2410.21676)."""
