"""Airflow's side of the gateway: `webserver_config.py`, and the settings that keep its tokens short. No SDK in here.

Facts (Airflow 3.3 with the FAB provider 3.10, measured): with `AUTH_REMOTE_USER` whoever sends the header is that person, on the
port that workers share; the stock manager gives everybody one role; a session that is there is not looked at again; and a
token of the API lives 24 hours by default, whatever becomes of the sign-in.

Two locks hold the header: the network, since nobody but the gateway reaches more than `/execution` of the API server (Network
policies and the mesh), and a secret that the gateway adds to every request, compared here in constant time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from ...access import Access
from ...access.values import parse_duration
from ...errors import Problems
from .compile import session_of
from .plan import EMAIL, GROUPS, SECRET_HEADER

SECRET_VARIABLE = "AIRLOCK_GATEWAY_SECRET"  # noqa: S105  # the variable's name
"""The environment variable in which the API server gets the gateway's secret."""
TOKEN_LIFETIME = timedelta(minutes=30)

_MODULE: Final = '''"""Who people are, as the gateway says, and their roles by their groups. Made by Airlock; edits are lost."""

import hmac
import logging
import os

from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride
from flask import request
from flask_appbuilder import expose
from flask_appbuilder.const import AUTH_REMOTE_USER
from flask_appbuilder.security.views import AuthRemoteUserView
from flask_login import logout_user

ROLES = {roles}
"""Group of the identity provider -> roles of Airflow."""
SECRET = os.environ.get("{variable}", "")

AUTH_TYPE = AUTH_REMOTE_USER
AUTH_REMOTE_USER_ENV_VAR = "{email}"
AUTH_USER_REGISTRATION = True
AUTH_USER_REGISTRATION_ROLE = "Public"
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

log = logging.getLogger(__name__)


def roles_of(groups):
    """The names of the roles of whoever is in these groups, separated by commas."""
    found = {{role for group in groups.split(",") for role in ROLES.get(group.strip(), ())}}
    return sorted(found)


def from_gateway():
    """Whether the request came through the gateway: without the secret nobody's headers count."""
    given = request.headers.get("{header}", "")
    return len(SECRET) >= 32 and hmac.compare_digest(given.encode(), SECRET.encode())


class GatewayView(AuthRemoteUserView):
    """Looks at the headers at every sign-in: a session that is there may be another person's, or of other groups."""

    @expose("/login/")
    def login(self):
        logout_user()
        return super().login()


class GatewaySecurityManager(FabAirflowSecurityManagerOverride):
    """Takes people from the gateway's headers, with the roles of their groups at that moment."""

    authremoteuserview = GatewayView

    def auth_user_remote_user(self, username):
        if not from_gateway():
            log.warning("Sign-in refused: the request did not come through the gateway")
            return None
        names = roles_of(request.headers.get("{groups}", ""))
        roles = [role for role in map(self.find_role, names) if role is not None]
        user = self.find_user(username=username)
        if not roles:
            log.warning("Sign-in refused: no group of this person gives a role that Airflow has (%s)", names)
            if user is not None:
                user.roles = []
                self.update_user(user)
            return None
        if user is None:
            user = self.add_user(username=username, first_name=username, last_name="-", email=username, role=roles)
        elif user.is_active and {{role.name for role in user.roles}} != {{role.name for role in roles}}:
            user.roles = roles
            self.update_user(user)
        if not user or not user.is_active:
            log.warning("Sign-in refused: this person is not active in Airflow")
            return None
        self._rotate_session_id()
        self.update_user_auth_stat(user)
        return user


SECURITY_MANAGER_CLASS = GatewaySecurityManager
'''


@dataclass(frozen=True, slots=True)
class AirflowSide:
    """What an Airflow behind the gateway is given: how it takes people from it, and the secret that only the two know."""

    webserver_config: str
    """The text of `webserver_config.py`."""
    settings: Mapping[str, Mapping[str, str]]
    """Section → option → value of airflow.cfg."""
    secret: str
    """The Secret in Airflow's namespace, which `NginxGateway` makes there."""
    key: str = "value"
    """Its key."""
    variable: str = SECRET_VARIABLE
    """The environment variable in which the API server, and nothing else, gets it."""


def airflow_side(access: Access, gate: str, destination: str, *, session: str = "8h", today: date | None = None) -> AirflowSide:
    """Airflow's side of the gateway that zones call `gate`, for `HelmEnvironment(gateway=…)`.

    `destination`: the Airflow's, as people type it. `session`, `today`: as of the `NginxGateway`. InputError for a
    destination that is none behind the gate, and for a session that is no duration.
    """
    problems, longest = Problems(gate), timedelta()
    with problems.noting("session"):
        longest = parse_duration(session)
    found = next((one for one in access.destinations if one.name == destination), None)
    if found is None or gate not in access.zones[found.zone].gates or not found.hosts:
        fix = "name a destination with a host, in a zone that lists the gate"
        problems.add("destination", f"{destination!r} is no Airflow behind {gate}: {fix}")
        raise problems.error()
    problems.raise_any()
    lasts = session_of(access, gate, today or datetime.now(UTC).date(), longest)
    settings = {**webserver_settings(lasts), "api": {"base_url": f"https://{found.hosts[0].lower()}"}}
    return AirflowSide(webserver_config(access), settings, gate)


def roles_of_groups(access: Access) -> dict[str, list[str]]:
    """Group of the identity provider → the Airflow roles of its members: the declared one, and its base role."""
    declared = {one.name: one for one in access.roles}
    found: dict[str, list[str]] = {}
    for one in access.principals:
        if one.group is None or one.role is None:
            continue
        role = declared.get(one.role)
        # A role without DAGs is nothing to Airflow beside its base; where no role is declared, the name is Airflow's own.
        names = [one.role] if role is None or role.dags or one.role == role.base else []
        mine = found.setdefault(one.group, [])
        mine += [name for name in (*names, *((role.base,) if role is not None else ())) if name not in mine]
    return {group: names for group, names in sorted(found.items()) if names}


def webserver_config(access: Access) -> str:
    """The text of `webserver_config.py`: the same for the same groups and roles.

    The API server gets the gateway's secret in the environment variable `AIRLOCK_GATEWAY_SECRET`; without it, or with one of
    fewer than 32 characters, nobody signs in.
    """
    return _MODULE.format(
        roles=json.dumps(roles_of_groups(access), indent=4),
        variable=SECRET_VARIABLE,
        email="HTTP_" + EMAIL.upper().replace("-", "_"),
        header=SECRET_HEADER,
        groups=GROUPS,
    )


def webserver_settings(session: timedelta = TOKEN_LIFETIME) -> Mapping[str, Mapping[str, str]]:
    """Section → option → value of Airflow's configuration: tokens and sessions end soon, and signing in again is silent.

    `session`: how long a sign-in at the gateway holds; a token of the API holds for at most 30 minutes of it.
    """
    token, minutes = min(session, TOKEN_LIFETIME), str(max(1, int(session.total_seconds() // 60)))
    return {
        "api_auth": {"jwt_expiration_time": str(int(token.total_seconds()))},
        "core": {"auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"},
        "fab": {
            "session_lifetime_minutes": minutes,
            # From the sign-in on, however busy somebody is; tokens end with it (FAB provider 3.9 and later).
            "session_max_lifetime_minutes": minutes,
            # The name that people typed comes in X-Forwarded-Host, from the gateway alone.
            "enable_proxy_fix": "True",
        },
    }
