"""oci.pull, which here pulls nothing: the base is the one prepare.sh made."""

def _base_impl(rctx):
    rctx.symlink(rctx.os.environ["WAYMARK_SEALED_BASE"], "layout")
    rctx.file("BUILD.bazel", """
filegroup(
    name = "{name}",
    srcs = glob(["layout/**"]),
    visibility = ["//visibility:public"],
)
""".format(name = rctx.attr.target))

_base = repository_rule(
    implementation = _base_impl,
    attrs = {"target": attr.string()},
    environ = ["WAYMARK_SEALED_BASE"],
    local = True,
)

_pull = tag_class(attrs = {
    "digest": attr.string(),
    "image": attr.string(),
    "name": attr.string(mandatory = True),
    "platforms": attr.string_list(),
})

def _extension_impl(mctx):
    direct = []
    for mod in mctx.modules:
        for pull in mod.tags.pull:
            names = [pull.name] + [pull.name + "_" + p.replace("/", "_") for p in pull.platforms]
            for name in names:
                _base(name = name, target = name)
            direct += names
    return mctx.extension_metadata(root_module_direct_deps = direct, root_module_direct_dev_deps = [], reproducible = True)

oci = module_extension(implementation = _extension_impl, tag_classes = {"pull": _pull})
