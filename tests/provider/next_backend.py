"""A secrets backend behind Airlock's, as another provider would bring one."""


class Next:
    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def get_connection(self, conn_id: str) -> None:
        return None

    def get_conn_value(self, conn_id: str) -> str:
        return f"{self._prefix}/{conn_id}"

    def get_variable(self, key: str) -> str:
        return f"variable {self._prefix}/{key}"

    def get_config(self, key: str) -> str:
        return f"option {self._prefix}/{key}"
