"""The rules, apart from the process that runs them: tests call them."""

from collections.abc import Callable

from pulumi_policy import ReportViolation, ResourceValidationArgs

MOST_WORKERS = 10


def few_workers(stack: str) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    """A policy: outside production an environment has at most `MOST_WORKERS` workers. They cost by the hour."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type != "aws:mwaa/environment:Environment" or stack == "prod":
            return
        workers = args.props.get("maxWorkers")
        if isinstance(workers, (int, float)) and workers > MOST_WORKERS:
            report(f"{args.name}: maxWorkers is {workers:g}, and {stack} may have {MOST_WORKERS}")

    return validate
