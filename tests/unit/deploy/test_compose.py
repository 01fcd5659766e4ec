"""compose.yaml and the Dockerfile keep their promises, as far as that can be seen without Docker."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from winnow.events.topics import KAFKA_TOPICS

CHECKOUT: Final = Path(__file__).parents[3]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
OURS: Final = ("edge", "gateway", "sink")
SETTINGS_FILES: Final = frozenset(f"./deploy/{process}.yaml" for process in OURS)
STAGE: Final = re.compile(r"^FROM (\S+) AS (\S+)\n((?:(?!^FROM ).*\n)*)", re.MULTILINE)


def mounts() -> list[tuple[str, str]]:
    """Return source and target of every mount."""
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    return [(source, target) for source, target, *_ in (volume.split(":") for volume in volumes)]


def test_every_process_of_the_path_is_a_service() -> None:
    """Broker, Kafka with its topics, database, gateway, sink and edge are all there."""
    assert set(SERVICES) == {"mosquitto", "kafka", "topics", "postgres", "gateway", "sink", "edge"}


@pytest.mark.parametrize("service", [name for name in SERVICES if SERVICES[name].get("ports")])
def test_ports_are_published_on_loopback_only(service: str) -> None:
    """No other machine reaches a service that asks for no password."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service]["ports"])


def test_page_is_published_on_port_8080() -> None:
    """A person opens http://127.0.0.1:8080."""
    assert SERVICES["sink"]["ports"] == ["127.0.0.1:8080:8080"]


def test_mounted_files_exist_and_cannot_be_written() -> None:
    """Whatever is mounted from the checkout is in the checkout, and read-only in the container."""
    entries = [entry for service in SERVICES.values() for entry in service.get("volumes", []) if entry.startswith("./")]
    assert entries
    for entry in entries:
        source, *_, mode = entry.split(":")
        assert mode == "ro", entry
        assert source in SETTINGS_FILES or (CHECKOUT / source).exists(), entry


def test_named_volumes_are_declared_and_used() -> None:
    """No volume is misspelt, none is left over."""
    used = {source for source, _ in mounts() if not source.startswith("./")}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "topics"])
def test_every_lasting_service_has_a_health_check(service: str) -> None:
    """Only the task that creates the topics ends; everything else can be asked how it is."""
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", OURS)
def test_our_processes_run_without_privileges_on_a_read_only_system(service: str) -> None:
    """A process that is broken into can neither gain rights nor change its image."""
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", OURS)
def test_image_of_each_process_runs_as_a_numeric_user_that_is_not_root(service: str) -> None:
    """The last USER of the image's stage is a number other than 0, as orchestrators check it."""
    stages = {name: body for _, name, body in STAGE.findall(DOCKERFILE)}
    stage = stages[SERVICES[service]["build"]["target"]]
    users = re.findall(r"^USER (\S+)$", stage, re.MULTILINE)
    assert users
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


@pytest.mark.parametrize("service", OURS)
def test_command_of_each_image_reads_the_file_that_compose_mounts(service: str) -> None:
    """The settings file in the image's command is the one that is mounted."""
    stages = {name: body for _, name, body in STAGE.findall(DOCKERFILE)}
    command = re.search(r'^CMD \[.*"(/etc/winnow/\S+)"\]$', stages[SERVICES[service]["build"]["target"]], re.MULTILINE)
    assert command is not None
    assert (f"./deploy/{service}.yaml", command[1]) in mounts()


def test_edge_image_knows_its_health() -> None:
    """It is asked without compose too; a stop has more time than the process takes."""
    stages = {name: body for _, name, body in STAGE.findall(DOCKERFILE)}
    assert "HEALTHCHECK" in stages["edge"]
    assert SERVICES["edge"]["stop_grace_period"] == "20s"


def test_final_images_begin_with_nothing() -> None:
    """No shell, no package manager: a final image has the collected root, the writable directory again, and no RUN."""
    parents = {name: parent for parent, name, _ in STAGE.findall(DOCKERFILE)}
    bodies = {name: body for _, name, body in STAGE.findall(DOCKERFILE)}
    for service in OURS:
        target = SERVICES[service]["build"]["target"]
        assert parents[target] == "scratch"
        assert "RUN" not in bodies[target]
        copied = re.findall(r"^COPY (.+)$", bodies[target], re.MULTILINE)
        assert copied == [
            f"--from={target}-build /image /",
            f"--from={target}-build --chown=10001:10001 /image/var/lib/winnow /var/lib/winnow",
        ]
        assert re.findall(
            r"build-venv\.sh (\S+) /opt/winnow && .+image_root\.py /opt/winnow /image$",
            bodies[f"{target}-build"],
            re.MULTILINE,
        ) == [target]


@pytest.mark.parametrize("service", OURS)
def test_images_and_health_checks_start_without_a_shell(service: str) -> None:
    """Entry point, command and health checks are lists of words, and the first is in the environment."""
    stages = {name: body for _, name, body in STAGE.findall(DOCKERFILE)}
    stage = stages[SERVICES[service]["build"]["target"]]
    started = re.findall(r"^(?:ENTRYPOINT|CMD|    CMD) (.+)$", stage, re.MULTILINE)
    assert len(started) == 2 + stage.count("HEALTHCHECK")
    assert all(isinstance(json.loads(words), list) for words in started)
    assert SERVICES[service]["healthcheck"]["test"][:2] == ["CMD", "python3"]
    assert "PATH=/opt/winnow/bin " in stage


def test_whatever_the_dockerfile_copies_is_in_the_build_context() -> None:
    """.dockerignore lets through exactly what the COPY lines name, and it exists."""
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {source for line in copies for source in line.split()}
    ignore = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8")
    assert {line[1:] for line in ignore.splitlines() if line.startswith("!")} == copied
    assert all((CHECKOUT / source).exists() for source in copied)


def test_topics_of_the_contract_are_created() -> None:
    """The script that compose runs creates the topics of the contract and no other."""
    script = (CHECKOUT / "deploy" / "kafka" / "create-topics.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"^create (\S+)", script, re.MULTILINE)) == set(KAFKA_TOPICS)


def test_compose_and_the_tests_use_the_same_kafka() -> None:
    """The image's version is the one of the jars that the tests run."""
    pom = (CHECKOUT / "deploy" / "kafka" / "pom.xml").read_text(encoding="utf-8")
    tested = re.search(r"<kafka\.version>(.+)</kafka\.version>", pom)
    assert tested is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested[1]}"
