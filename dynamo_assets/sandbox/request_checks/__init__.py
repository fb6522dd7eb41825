"""Every request is compared with botocore's model of its operation before moto sees it, which takes almost anything."""
