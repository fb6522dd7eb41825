"""A code location whose steps wait for ever, for tests that end its runs from outside."""

import dagster as dg

from dynamo_assets.automation.executor import threaded_executor
from dynamo_assets.aws.cancellation import pause

STEPS = 12


def _waiting_asset(number: int) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"snapshot_{number}",
        # Half of them have a policy: Dagster lets it answer an interrupt with "up for retry".
        retry_policy=dg.RetryPolicy(max_retries=3, delay=3600) if number % 2 else None,
    )
    def _asset(context: dg.AssetExecutionContext) -> None:
        try:
            context.log.info("started a Glue run")
            pause(3600)
        finally:
            context.log.info("stopped the Glue run")

    return _asset


def _downstream(number: int) -> dg.AssetsDefinition:
    @dg.asset(name=f"view_{number}", deps=[f"snapshot_{number}"])
    def _asset(context: dg.AssetExecutionContext) -> None:
        context.log.info("published")

    return _asset


defs = dg.Definitions(
    assets=[make(number) for number in range(STEPS) for make in (_waiting_asset, _downstream)],
    jobs=[dg.define_asset_job("exports", executor_def=threaded_executor)],
)
