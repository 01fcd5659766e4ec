"""What can go wrong between a model file and the objects found with it.

Errors:
    DetectorError
        ModelNotFoundError         no model of that name, or its card or file is missing
        ModelRefusedError          the model must not be used; get it again or correct it
            CardInvalidError       the card cannot be read or says something impossible
            ModelTooLargeError     the file is larger than any model this project runs
            ModelChecksumError     the file is not the one its card describes
            ModelMalformedError    the file is not an ONNX model
            ExternalDataError      the model wants to read other files
            OperatorDomainError    the model uses operators from an unknown domain
            ModelShapeError        inputs or outputs are not what the card says
            ModelUnloadableError   onnxruntime refuses the model
        ModelBuildError            building a model went wrong; its inputs or tools must change
        ImageError                 this image cannot be searched; other images can
"""


class DetectorError(Exception):
    """No objects can be found; the message says what to change."""


class ModelNotFoundError(DetectorError):
    """No model of that name, or its card or file is missing."""


class ModelRefusedError(DetectorError):
    """The model must not be used; get it again or correct it."""


class CardInvalidError(ModelRefusedError):
    """The card cannot be read or says something impossible."""


class ModelTooLargeError(ModelRefusedError):
    """The file is larger than any model this project runs.

    Attributes:
        size_bytes: the file's size.
        limit_bytes: the largest size that is read.
    """

    def __init__(self, name: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"{name}: {size_bytes} bytes; a model may have {limit_bytes}, so use a smaller one")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class ModelChecksumError(ModelRefusedError):
    """The file is not the one its card describes.

    Attributes:
        expected_sha256: the checksum in the card.
        actual_sha256: the checksum of the file.
    """

    def __init__(self, name: str, expected_sha256: str, actual_sha256: str) -> None:
        super().__init__(
            f"{name}: sha256 is {actual_sha256}, its card says {expected_sha256}; "
            "get the file again, or correct the card if the change was yours"
        )
        self.expected_sha256 = expected_sha256
        self.actual_sha256 = actual_sha256


class ModelMalformedError(ModelRefusedError):
    """The file is not an ONNX model."""


class ExternalDataError(ModelRefusedError):
    """The model wants to read other files.

    Attributes:
        tensor: the tensor whose numbers are said to be elsewhere.
    """

    def __init__(self, name: str, tensor: str) -> None:
        super().__init__(f"{name}: tensor {tensor!r} is kept in another file; export the model as a single file")
        self.tensor = tensor


class OperatorDomainError(ModelRefusedError):
    """The model uses operators from an unknown domain.

    Attributes:
        domain: the domain that is not known.
    """

    def __init__(self, name: str, domain: str, known: str) -> None:
        super().__init__(f"{name}: operator domain {domain!r} is not known ({known} are); export it with standard ones")
        self.domain = domain


class ModelShapeError(ModelRefusedError):
    """Inputs or outputs are not what the card says."""


class ModelUnloadableError(ModelRefusedError):
    """`onnxruntime` refuses the model."""


class ModelBuildError(DetectorError):
    """Building a model went wrong; its inputs or tools must change."""


class ImageError(DetectorError):
    """This image cannot be searched; other images can."""
