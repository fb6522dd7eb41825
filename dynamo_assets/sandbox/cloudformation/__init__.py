"""CloudFormation: stacks by change set, of the resource types that this project's template has."""
