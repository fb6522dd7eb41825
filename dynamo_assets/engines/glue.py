"""Engine `glue`: the export core's units on the executors of a Glue Spark job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dynamo_assets.aws.glue_jobs import Capacity, GlueJobs, JobRun
from dynamo_assets.engines.sizer import Sizer
from dynamo_assets.engines.snapshot import Log, Snapshot, snapshots_of_slot
from dynamo_assets.engines.work import Work
from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.request import ExportRequest


@dataclass(frozen=True)
class GlueEngine:
    """Runs exports as runs of one Glue job.

    Attributes:
        jobs: The Glue API.
        manifests: Where the outcome is found.
        job_name: The job; its script is `glue_scripts/export_table.py`.
        sizer: Gives each run its workers and its time.
    """

    jobs: GlueJobs
    manifests: ManifestStore
    job_name: str
    sizer: Sizer

    def take_snapshot(
        self, request: ExportRequest, *, before_start: Callable[[], None], log: Log, work: Work | None = None
    ) -> Snapshot:
        """See `Engine.take_snapshot`.

        Raises:
            GlueRunError: The run ended in another state than SUCCEEDED.
            AwsTimeoutError: It did not end within the time limit; it has been stopped.
            ManifestError: It succeeded and left no manifest.
            KeyError: The request has no slot.
        """
        limits = self.sizer.limits
        running = self.in_flight(request)
        expected: Mapping[str, object] = {}
        if running is not None:
            log(f"Attaching to Glue run {running.run_id}, already in flight for this table and slot")
            run_id, attempt = running.run_id, running.arguments.get("--attempt", "")
        else:
            before_start()
            size, expected = self.sizer.size(request, request.engine, work, log)
            run_id = self.jobs.start(
                self.job_name,
                request.to_arguments(),
                timeout=limits.time_limit,
                subject=request.table,
                capacity=Capacity(limits.worker_type, size.workers, size.timeout, limits.flex),
            )
            attempt = request.attempt
        log(f"Following {self.jobs.url(self.job_name, run_id)}")
        run = self.jobs.follow(self.job_name, run_id, timeout=limits.time_limit, subject=request.table, on_log=log)
        return Snapshot(self._manifest_of(request, attempt, run), {**expected, **self._facts(run)})

    def in_flight(self, request: ExportRequest) -> JobRun | None:
        """A run of the same table and slot that has not ended.

        Raises:
            KeyError: The request has no slot.
        """
        arguments = request.to_arguments()
        same_slot = {key: arguments[key] for key in ("--table", "--slot")}
        # A run waits for its turn at most as long as it may take.
        return self.jobs.in_flight(self.job_name, same_slot, not_older_than=2 * self.sizer.limits.time_limit)

    def _manifest_of(self, request: ExportRequest, attempt: str, run: JobRun) -> Manifest:
        for manifest in snapshots_of_slot(self.manifests, request.name, request.slot or ""):
            # A label that was given in advance is a snapshot's only one, whoever completed it.
            if manifest.attempt == attempt or manifest.snapshot_timestamp == request.snapshot_timestamp:
                return manifest
        raise ManifestError(
            f"{request.table}: Glue run {run.run_id} succeeded and left no manifest below "
            f"{self.manifests.layout.uri(self.manifests.layout.manifests_prefix(request.name))}; is the job's script "
            f"the one of this package? `dynamo-assets deploy` uploads it. {self.jobs.url(self.job_name, run.run_id)}"
        )

    def _facts(self, run: JobRun) -> dict[str, object]:
        return {
            "glue_run": self.jobs.url(self.job_name, run.run_id),
            "glue_run_id": run.run_id,
            "glue_seconds": run.execution_seconds,
            "glue_workers": f"{run.workers} x {run.worker_type}",
            "workers": run.workers,
            "glue_dpu_seconds": run.dpu_seconds,
            "glue_dpus": run.dpus,
            "glue_flex": run.flex,
        }
