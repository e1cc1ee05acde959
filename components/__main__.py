"""What Pulumi runs for programs in TypeScript, Go, C#, Java and YAML (PulumiPlugin.yaml)."""

from importlib.metadata import version
from pathlib import Path

from pulumi_airlock.package.provider import serve

if __name__ == "__main__":
    serve(Path(__file__).parent / "schema.json", version("pulumi-airlock"))
