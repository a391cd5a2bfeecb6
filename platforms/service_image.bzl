"""One call makes everything about the container image of a service."""

load("@rules_go//go:def.bzl", "go_test")
load("@rules_oci//oci:defs.bzl", "oci_image", "oci_image_index", "oci_load", "oci_push")
load("@tar.bzl", "mutate", "tar")

_PLATFORMS = [
    "//platforms:linux_amd64",
    "//platforms:linux_arm64",
]

def service_image(name, binary, repository, health_port, cmd = [], start_env = {}, visibility = None):
    """Targets that build, test, load and push one image.

    NAME             an index of linux/amd64 and linux/arm64
    NAME_load        bazel run: into the Docker or Podman of this machine, as REPOSITORY:latest
    NAME_push        bazel run: to a registry; -- --repository REGISTRY/... --tag TAG
    NAME_test        the image is what it should be, looked at without running it
    NAME_docker_test Docker starts it and it answers /healthz (tag requires-docker)

    Args:
      name: the index.
      binary: a go_binary of this package; it lies at /NAME-OF-THE-BINARY in the image.
      repository: what the image is called.
      health_port: where the service answers /healthz.
      cmd: arguments of the binary.
      start_env: variables with which the docker test starts it, no spaces in them;
        {nats} stands for the address of a NATS server that the test runs.
      visibility: of the index.
    """
    program = binary.removeprefix(":")
    path = native.package_name() + "/" if native.package_name() else ""

    tar(
        name = name + "_layer",
        srcs = [binary],
        compress = "gzip",
        # With its run files the binary would be in there twice.
        include_runfiles = False,
        mutate = mutate(
            mtime = "0",
            owner = "0",
            strip_prefix = "{0}{1}_/".format(path, program),
        ),
        tags = ["manual"],
    )

    # For the platform of the build; manual, so that "build //..." makes it for
    # the image platforms only, through the index.
    oci_image(
        name = name + "_one",
        base = "@distroless_static",
        cmd = cmd,
        entrypoint = ["/" + program],
        tags = ["manual"],
        tars = [name + "_layer"],
        user = "65532",
    )

    oci_image_index(
        name = name,
        images = [name + "_one"],
        platforms = _PLATFORMS,
        visibility = visibility,
    )

    # Docker loads an index only into a containerd store, so it gets one image.
    oci_load(
        name = name + "_load",
        image = name + "_one",
        repo_tags = [repository + ":latest"],
        tags = ["manual"],
    )

    oci_push(
        name = name + "_push",
        image = name,
        repository = repository,
        tags = ["manual"],
    )

    env = {
        "IMAGE_CMD": " ".join(cmd),
        "IMAGE_ENTRYPOINT": "/" + program,
        "IMAGE_HEALTH_PORT": str(health_port),
        "IMAGE_LAYOUT": "$(rootpath :{})".format(name),
    }

    go_test(
        name = name + "_test",
        size = "small",
        srcs = ["//platforms/imagetest:image_test.go"],
        data = [name],
        env = env,
        importpath = "github.com/waymark-gps/waymark/platforms/imagetest",
    )

    go_test(
        name = name + "_docker_test",
        size = "medium",
        srcs = [
            "//platforms/imagetest:docker_test.go",
            "//platforms/imagetest:image_test.go",
        ],
        data = [name],
        env = env | {"IMAGE_START_ENV": " ".join(["%s=%s" % e for e in start_env.items()])},
        importpath = "github.com/waymark-gps/waymark/platforms/imagetest",
        tags = [
            "no-sandbox",
            "requires-docker",
            "requires-network",
        ],
        deps = ["@com_github_nats_io_nats_server_v2//server"],
    )
