"""From the numbers in a backbone's yaml to a transformers config, the basis of `init=random` and of counting without
the hub.

transformers accepts unknown keys silently, so a misspelt key would give another model: every key is checked against the
fields of the model type's config.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hybridret.base.errors import UserError, nearest

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def architecture(fields: Mapping[str, Any], key: str) -> PretrainedConfig:
    """The transformers config with `fields`: `model_type` and fields of that type's config; `key` is their config key.

    Raises UserError for a missing or unknown model type, an unknown field, or a value that does not fit.
    """
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from transformers import CONFIG_MAPPING, AutoConfig

    if not isinstance(fields, Mapping) or "model_type" not in fields:
        raise UserError(f"{key} must be a mapping with model_type and fields of that type's config, not {fields!r}.")
    kind = str(fields["model_type"])
    if kind not in CONFIG_MAPPING:
        raise UserError(
            f"{key}.model_type={kind}: transformers {transformers.__version__} has no code for this model, so it can "
            f"neither be built with random weights nor counted. {nearest(kind, CONFIG_MAPPING)} Run pip install -U "
            "transformers; code that comes with a checkpoint runs with backbone.init=pretrained "
            "backbone.trust_remote_code=true only."
        )
    values = {name: value for name, value in fields.items() if name != "model_type"}
    found = CONFIG_MAPPING[kind]
    known = {*inspect.signature(found).parameters, *found.attribute_map} - {"kwargs"}
    for name in values:
        if name not in known:
            raise UserError(f"{key}.{name}: a {kind} config has no such field. {nearest(str(name), known)}")
    try:
        config: PretrainedConfig = AutoConfig.for_model(kind, **values)
    except (TypeError, ValueError, StrictDataclassError) as error:  # a wrong type; a width not divisible by the heads
        raise UserError(f"{key} does not make a {kind} model: {' '.join(str(error).split())[:300]}") from error
    return config


def of_text(config: PretrainedConfig) -> PretrainedConfig:
    """The config of the part of a model that reads text: for a model of text and images without the image part."""
    part: PretrainedConfig | None = getattr(config, "text_config", None)
    return config if part is None else part
