"""What a site sets once for the launcher of a cluster, in a folder of its own as in `conf/local/`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from hybridret.config.entry import config_folder


def launcher(folder: Path, *overrides: str, name: str = "slurm") -> dict[str, object]:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        search = f"hydra.searchpath=[file://{folder}]"
        config = compose("config", [search, f"hydra/launcher={name}", *overrides], return_hydra_config=True)
    return dict(config.hydra.launcher)


def test_a_site_wins_over_our_values_and_the_command_line_over_both(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "slurm.yaml").write_text("partition: gpu\naccount: mine\nlimits: {gpus: 8}\n")
    found = launcher(tmp_path, "hydra.launcher.account=other")
    assert (found["partition"], found["account"], found["retries"]) == ("gpu", "other", 2)
    assert found["limits"] == {"gpus": 8}


@pytest.mark.parametrize("name", ["slurm", "ray", "kubernetes"])
def test_every_key_of_the_yaml_has_a_type(name: str) -> None:
    lines = (Path(config_folder()) / "hydra" / "launcher" / f"{name}.yaml").read_text().splitlines()
    written = {line.partition(":")[0] for line in lines if line and line[0].isalpha()} - {"defaults"}
    assert written | {"_target_"} == set(launcher(Path(config_folder()), name=name))


@pytest.mark.parametrize(("name", "key"), [("ray", "custom"), ("ray", "env"), ("kubernetes", "volumes")])
def test_names_that_only_a_site_knows_need_no_plus(tmp_path: Path, name: str, key: str) -> None:
    assert launcher(tmp_path, f"hydra.launcher.{key}={{mine: 1}}", name=name)[key] == {"mine": 1}
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / f"{name}.yaml").write_text(f"{key}: {{ours: 2}}\n")
    assert launcher(tmp_path, name=name)[key] == {"ours": 2}
