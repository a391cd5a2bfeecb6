"""Offers the buildozer of the sealed build under the name Bazel looks for."""

def _repository_impl(rctx):
    rctx.symlink(rctx.os.environ["WAYMARK_SEALED_TOOLS"] + "/buildozer", "buildozer.exe")
    rctx.file("BUILD.bazel", 'exports_files(["buildozer.exe"])')

_repository = repository_rule(implementation = _repository_impl, environ = ["WAYMARK_SEALED_TOOLS"], local = True)

def _extension_impl(mctx):
    _repository(name = "buildozer_binary")
    return mctx.extension_metadata(reproducible = True)

buildozer_binary = module_extension(implementation = _extension_impl)
