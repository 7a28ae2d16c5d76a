"""What translates a batch of pieces: transformers, CTranslate2, or a model that a package ships."""
