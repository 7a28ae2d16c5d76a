"""What a site sets once for `hydra/launcher=slurm`, in a folder of its own as in `conf/local/`."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_dir

from hybridret.config.entry import config_folder


def launcher(folder: Path, *overrides: str) -> dict[str, object]:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        search = f"hydra.searchpath=[file://{folder}]"
        config = compose("config", [search, "hydra/launcher=slurm", *overrides], return_hydra_config=True)
    return dict(config.hydra.launcher)


def test_a_site_wins_over_our_values_and_the_command_line_over_both(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "slurm.yaml").write_text("partition: gpu\naccount: mine\nlimits: {gpus: 8}\n")
    found = launcher(tmp_path, "hydra.launcher.account=other")
    assert (found["partition"], found["account"], found["retries"]) == ("gpu", "other", 2)
    assert found["limits"] == {"gpus": 8}


def test_every_key_of_the_yaml_has_a_type() -> None:
    lines = (Path(config_folder()) / "hydra" / "launcher" / "slurm.yaml").read_text().splitlines()
    written = {line.partition(":")[0] for line in lines if line and line[0].isalpha()} - {"defaults"}
    assert written | {"_target_"} == set(launcher(Path(config_folder())))
