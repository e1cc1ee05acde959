"""One desk's Airflow on this machine: real processes, by the same components, access file and policies as any other stack."""

import pulumi
from pulumi_airlock.access import load
from pulumi_airlock.environments.local import LocalEnvironment, Ports, Tools, Try
from pulumi_airlock.gates.declared import AccessDeclaration
from reading import HERE, Part, StackSettings

PROJECT = HERE.parent


class LocalTools(Part):
    """Programs, by their path from the project's folder."""

    airflow: str
    envoy: str


class Settings(StackSettings):
    """A stack's settings."""

    folder: str
    tools: LocalTools
    first_port: int = 28080


settings = Settings.load()
access = load(settings.access_file)
AccessDeclaration("access", access)
desk = LocalEnvironment(
    "desk",
    access=access,
    folder=PROJECT / settings.folder,
    dags=HERE / "dags" / "local",
    tools=Tools(airflow=PROJECT / settings.tools.airflow, envoy=PROJECT / settings.tools.envoy),
    ports=Ports(settings.first_port),
    tries=[
        Try("finance_daily", succeeds=True, told="was answered"),
        Try("finance_agent", succeeds=True, told="was answered"),
        Try("marketing_daily", succeeds=False, told="tcp_proxy"),
    ],
)
pulumi.export("airflow", desk.url)
pulumi.export("logs", desk.logs)
