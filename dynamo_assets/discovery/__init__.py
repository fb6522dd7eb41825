"""What tables an account has, and a tables file for them: `dynamo-assets init`."""
