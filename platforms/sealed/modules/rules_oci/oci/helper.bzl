"""The program that writes layers and images, as prepare.sh built it."""

HELPER = attr.label(default = Label("@sealed_oci//:oci"), executable = True, allow_single_file = True, cfg = "exec")

def _repository_impl(rctx):
    rctx.symlink(rctx.os.environ["WAYMARK_SEALED_TOOLS"] + "/oci", "oci")
    rctx.file("BUILD.bazel", 'exports_files(["oci"])')

_repository = repository_rule(implementation = _repository_impl, environ = ["WAYMARK_SEALED_TOOLS"], local = True)

def _extension_impl(mctx):
    _repository(name = "sealed_oci")
    return mctx.extension_metadata(reproducible = True)

tools = module_extension(implementation = _extension_impl)
