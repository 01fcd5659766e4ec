"""What `winnow doctor` looks at, one module a part of the box."""

from winnow.cli.diagnosis.broker import examine_broker
from winnow.cli.diagnosis.camera import examine_camera
from winnow.cli.diagnosis.certificate import examine_certificate
from winnow.cli.diagnosis.finding import Finding, Status
from winnow.cli.diagnosis.machine import examine_clock, examine_disk, examine_machine
from winnow.cli.diagnosis.model import examine_model

__all__ = [
    "Finding",
    "Status",
    "examine_broker",
    "examine_camera",
    "examine_certificate",
    "examine_clock",
    "examine_disk",
    "examine_machine",
    "examine_model",
]
