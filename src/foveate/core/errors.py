"""Every error that foveate raises on purpose.

    FoveateError
    ├── InputError         what the caller gave is not what was required (also a ValueError)
    │   └── MediaError     a file that should hold a picture, a video or a table does not
    ├── WeightsError       a weights file is missing, truncated or made for another model
    ├── CodecError         bytes that should be a compressed frame are not
    ├── ProtocolError      a peer sent a message that this version cannot accept
    │   └── VersionError   it speaks another version of the protocol
    └── TransportError     a socket could not be opened, or the peer is gone

The command line prints the message of any of them as one line; each says what was required and what was got.
"""


class FoveateError(Exception):
    """Base of all errors raised on purpose."""


class InputError(FoveateError, ValueError):
    """An argument has the wrong type, shape, range or name."""


class MediaError(InputError):
    """A file cannot be read as the picture, video, trace or annotation file that it should be."""


class WeightsError(FoveateError):
    """A weights file is missing, truncated, or does not fit the model."""


class CodecError(FoveateError):
    """Bytes cannot be decoded into the frame that their header promises."""


class ProtocolError(FoveateError):
    """A wire message is malformed, too large, or of another version."""


class VersionError(ProtocolError):
    """A peer speaks another version of the protocol: one of the two ends must be updated."""


class TransportError(FoveateError):
    """An address cannot be used, or the peer stopped answering."""
