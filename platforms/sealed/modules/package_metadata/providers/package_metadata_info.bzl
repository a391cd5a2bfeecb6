"""What a package says about itself."""

PackageMetadataInfo = provider(
    doc = "Where a package comes from.",
    fields = {
        "files": "depset of files that hold the metadata",
        "metadata": "the JSON file",
    },
)
