"""Why a file cannot be read, as messages say it."""


def why(error: OSError | UnicodeDecodeError) -> str:
    """What is wrong with a file, and what to do about it where it is not UTF-8.

    >>> try:
    ...     b"name: caf\\xe9".decode()
    ... except UnicodeDecodeError as error:
    ...     print(why(error))
    is not UTF-8 (byte 0xe9 on line 1): save it as UTF-8
    """
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    line = error.object.count(b"\n", 0, error.start) + 1
    return f"is not UTF-8 (byte 0x{error.object[error.start]:02x} on line {line}): save it as UTF-8"
