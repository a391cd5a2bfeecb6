"""Layers of files, written by platforms/sealed/oci."""

load("@rules_oci//oci:helper.bzl", "HELPER")

def _tar_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + (".tar.gz" if ctx.attr.compress else ".tar"))
    args = ctx.actions.args()
    args.add("layer")
    args.add("-out", out)
    if ctx.attr.compress:
        args.add("-gzip")
    args.add("-strip-prefix", ctx.attr.strip_prefix)
    args.add("-owner", ctx.attr.owner)
    for f in ctx.files.srcs:
        args.add("%s=%s" % (f.short_path, f.path))
    ctx.actions.run(
        executable = ctx.executable._helper,
        arguments = [args],
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "Layer",
        progress_message = "Writing layer %{label}",
    )
    return DefaultInfo(files = depset([out]))

_tar = rule(
    implementation = _tar_impl,
    attrs = {
        "compress": attr.string(values = ["", "gzip"]),
        "owner": attr.string(default = "0"),
        "srcs": attr.label_list(allow_files = True),
        "strip_prefix": attr.string(),
        "_helper": HELPER,
    },
)

def mutate(strip_prefix = "", mtime = "0", owner = "0"):
    """How the files change on their way into the layer.

    Args:
      strip_prefix: removed from every path.
      mtime: only "0": layers carry no time.
      owner: user id of every file.

    Returns:
      a value for the mutate argument of tar.
    """
    if mtime != "0":
        fail("the sealed build writes layers with mtime 0 only, not", mtime)
    return {"strip_prefix": strip_prefix, "owner": owner}

def tar(name, srcs, mutate = {}, include_runfiles = False, compress = "", **kwargs):
    """A tar of files.

    Args:
      name: the target.
      srcs: the files.
      mutate: what mutate() returned.
      include_runfiles: only False.
      compress: "" or "gzip".
      **kwargs: tags and visibility.
    """
    if include_runfiles:
        fail("the sealed build puts no runfiles into layers")
    _tar(name = name, srcs = srcs, compress = compress, **(mutate | kwargs))
