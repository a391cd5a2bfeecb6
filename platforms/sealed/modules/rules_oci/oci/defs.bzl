"""oci_image, oci_image_index, oci_load and oci_push as platforms/service_image.bzl uses them."""

load(":helper.bzl", "HELPER")

def _image_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    arm64 = ctx.target_platform_has_constraint(ctx.attr._arm64[platform_common.ConstraintValueInfo])
    args = ctx.actions.args()
    args.add("image")
    args.add("-arch", "arm64" if arm64 else "amd64")
    base = [f for f in ctx.files.base if f.basename == "index.json"]
    if base:
        args.add("-base", base[0].dirname)
    args.add_all(ctx.files.tars, before_each = "-layer")
    args.add_all(ctx.attr.entrypoint, before_each = "-entrypoint")
    args.add_all(ctx.attr.cmd, before_each = "-cmd")
    args.add_all(ctx.attr.exposed_ports, before_each = "-port")
    args.add_all(["%s=%s" % e for e in ctx.attr.env.items()], before_each = "-env")
    args.add_all(["%s=%s" % e for e in ctx.attr.labels.items()], before_each = "-label")
    args.add("-user", ctx.attr.user)
    args.add("-workdir", ctx.attr.workdir)
    args.add_all([out], before_each = "-out", expand_directories = False)
    ctx.actions.run(
        executable = ctx.executable._helper,
        arguments = [args],
        inputs = ctx.files.base + ctx.files.tars,
        outputs = [out],
        mnemonic = "Image",
        progress_message = "Writing image %{label}",
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

oci_image = rule(
    implementation = _image_impl,
    attrs = {
        "base": attr.label(allow_files = True),
        "cmd": attr.string_list(),
        "entrypoint": attr.string_list(),
        "env": attr.string_dict(),
        "exposed_ports": attr.string_list(),
        "labels": attr.string_dict(),
        "tars": attr.label_list(allow_files = True),
        "user": attr.string(),
        "workdir": attr.string(),
        "_arm64": attr.label(default = "@platforms//cpu:arm64"),
        "_helper": HELPER,
    },
)

def _each_platform_impl(_settings, attr):
    return {str(p): {"//command_line_option:platforms": [str(p)]} for p in attr.platforms}

_each_platform = transition(
    implementation = _each_platform_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _index_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    args = ctx.actions.args()
    args.add("index")
    args.add_all([out], before_each = "-out", expand_directories = False)
    args.add_all(ctx.files.images, expand_directories = False)
    ctx.actions.run(
        executable = ctx.executable._helper,
        arguments = [args],
        inputs = ctx.files.images,
        outputs = [out],
        mnemonic = "ImageIndex",
        progress_message = "Writing image index %{label}",
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

oci_image_index = rule(
    implementation = _index_impl,
    attrs = {
        "images": attr.label_list(cfg = _each_platform),
        "platforms": attr.label_list(),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
        "_helper": HELPER,
    },
)

def _load_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    image = ctx.files.image[0]
    tags = " ".join(["-tag '%s'" % t for t in ctx.attr.repo_tags])
    ctx.actions.write(script, "#!/bin/sh\n# \"bazel run\" starts this in the folder of its run files.\nexec '%s' load %s '%s'\n" % (
        ctx.executable._helper.short_path,
        tags,
        image.short_path,
    ), is_executable = True)
    return DefaultInfo(executable = script, runfiles = ctx.runfiles([image, ctx.executable._helper]))

oci_load = rule(
    implementation = _load_impl,
    executable = True,
    attrs = {
        "image": attr.label(mandatory = True),
        "repo_tags": attr.string_list(mandatory = True),
        "_helper": HELPER,
    },
)

def _push_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, "#!/bin/sh\necho 'The sealed build cannot push: it reaches no container registry. Use WAYMARK_SEALED=0 where the internet answers.' >&2\nexit 1\n", is_executable = True)
    return DefaultInfo(executable = script)

oci_push = rule(
    implementation = _push_impl,
    executable = True,
    attrs = {
        "image": attr.label(mandatory = True),
        "remote_tags": attr.string_list(),
        "repository": attr.string(mandatory = True),
    },
)
