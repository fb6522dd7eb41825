"""Every error this package raises on purpose.

    DynamoAssetsError
    ├── ConfigError             tables.yaml or the environment is wrong; raised while loading
    ├── ExportError             an export could not be completed
    │   ├── PlanError           the table cannot be read as asked (missing, no capacity, bad option)
    │   │   └── RoleError       the role that the table is read with may not be assumed
    │   ├── ReadError           DynamoDB could not be read to the end
    │   ├── ConservationError   a page held more values than landed in columns
    │   ├── ConversionError     a value does not fit the type that was asked for
    │   └── IntegrityError      a native export's files are not what its manifests say
    │       └── MergeError      changes do not fit the snapshot that they are to be merged with
    ├── ManifestError           a manifest is missing, unreadable or contradicts its files
    ├── VerificationError       a snapshot could not be verified, which says nothing of the snapshot
    ├── AwsOperationError       something started in AWS ended in a state other than success
    │   ├── AwsTimeoutError     it did not end within its time limit
    │   └── QueryError          Athena refused or failed a query
    ├── CatalogError            the Data Catalog does not say what the manifest says
    │   └── TableChangedError   somebody else changed a table at the same time
    ├── PublishingError         views were not re-pointed, or were moved back
    │   └── HeldBackError       a snapshot that was to be shown is not complete, registered and verified
    ├── RetentionError          what may go was not removed
    ├── ErasureError            items were not erased, or not from every snapshot
    │   └── KeysError           the keys that were given are none of the table's
    ├── AdoptionError           a snapshot that another program took was not adopted
    ├── DeploymentError         what must exist in an account could not be made, changed or removed
    ├── DiscoveryError          a tables file for an account's tables could not be made
    ├── SlotError               a slot cannot be filled by this engine
    └── SandboxError            the sandbox could not start or cannot do what was asked

A message says what happened, to which table, and what to do.
"""


class DynamoAssetsError(Exception):
    """Root of every error this package raises on purpose."""


class ConfigError(DynamoAssetsError):
    """`tables.yaml` or the environment is wrong; names the file, the key and the fix."""


class ExportError(DynamoAssetsError):
    """An export could not be completed; nothing of it is visible."""


class PlanError(ExportError):
    """The table cannot be read as asked: it does not exist, or an option does not fit it."""


class RoleError(PlanError):
    """The role whose credentials a table is read with may not be assumed; no others were used instead."""


class ReadError(ExportError):
    """DynamoDB could not be read to the end, retries included."""


class ConservationError(ExportError):
    """A page held more values than landed in columns: a defect of the export core, never of the data."""


class ConversionError(ExportError):
    """A value does not fit the type that was asked for."""


class IntegrityError(ExportError):
    """The files of DynamoDB's own export are not what its manifests say; names the file."""


class MergeError(IntegrityError):
    """Changes cannot be merged with the snapshot before them, or do not fit it; a full export always can be taken."""


class ManifestError(DynamoAssetsError):
    """A manifest is missing, cannot be read, or contradicts the files it names."""


class VerificationError(DynamoAssetsError):
    """A snapshot could not be verified, for reasons that are not its own; it may be sound."""


class AwsOperationError(DynamoAssetsError):
    """Something started in AWS ended in a state other than success."""


class AwsTimeoutError(AwsOperationError):
    """Something started in AWS did not end within its time limit."""


class QueryError(AwsOperationError):
    """Athena refused or failed a query."""


class CatalogError(DynamoAssetsError):
    """The Glue Data Catalog does not say what the manifest says."""


class TableChangedError(CatalogError):
    """Somebody else has changed a table of the Data Catalog since it was read; nothing was written over it."""


class PublishingError(DynamoAssetsError):
    """Views were not re-pointed, or were moved back; names the table."""


class HeldBackError(PublishingError):
    """A snapshot that was to be shown is not complete, registered and verified; no view was touched."""


class RetentionError(DynamoAssetsError):
    """What may go was not removed; nothing that is published went."""


class ErasureError(DynamoAssetsError):
    """Items were not erased, or not from every snapshot; running it again goes on. Never holds a key's value."""


class KeysError(ErasureError):
    """The keys that were given are not such as the table has; nothing was changed. Never holds a key's value."""


class AdoptionError(DynamoAssetsError):
    """A snapshot that another program took was not adopted; no file of it was touched."""


class DeploymentError(DynamoAssetsError):
    """What must exist in an account could not be made, changed or removed; says whether it was rolled back."""


class DiscoveryError(DynamoAssetsError):
    """A tables file for an account's tables could not be made; nothing was written."""


class SlotError(DynamoAssetsError):
    """A slot cannot be filled by the table's engine."""


class SandboxError(DynamoAssetsError):
    """The sandbox could not start, or cannot do what was asked of it."""
