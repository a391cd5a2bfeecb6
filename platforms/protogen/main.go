// Protogen writes the Go code of the .proto files. It needs no protoc: the
// files are read by protocompile and handed to the generators of
// google.golang.org/protobuf and vtprotobuf as libraries, so that go.mod alone
// says which versions are used. Run it from the root of the module:
//
//	go run ./platforms/protogen
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	_ "github.com/planetscale/vtprotobuf/features/marshal" // the features register themselves
	_ "github.com/planetscale/vtprotobuf/features/size"
	_ "github.com/planetscale/vtprotobuf/features/unmarshal"
	"github.com/planetscale/vtprotobuf/generator"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const module = "github.com/waymark-gps/waymark"

// sources are the .proto files, as paths from the root of the module.
var sources = []string{"data/wire/position.proto"}

// features of vtprotobuf. unmarshal_unsafe lets texts and bytes lie within the
// message that is read: package wire copies what it keeps.
var features = []string{"marshal", "size", "unmarshal_unsafe"}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, code := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the code of all sources by path from the root.
func generate(root string) (map[string][]byte, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{root}},
		SourceInfoMode: protocompile.SourceInfoStandard, // comments become doc comments
	}
	compiled, err := compiler.Compile(context.Background(), sources...)
	if err != nil {
		return nil, err
	}
	var descriptors []*descriptorpb.FileDescriptorProto
	for _, f := range compiled {
		descriptors = append(descriptors, protoutil.ProtoFromFileDescriptor(f))
	}

	files := map[string][]byte{}
	for _, g := range []func(*protogen.Plugin) error{messages, fastCode} {
		plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
			FileToGenerate: sources,
			Parameter:      proto.String("module=" + module),
			ProtoFile:      descriptors,
		})
		if err != nil {
			return nil, err
		}
		if err := g(plugin); err != nil {
			return nil, err
		}
		response := plugin.Response()
		if response.Error != nil {
			return nil, fmt.Errorf("generate: %s", response.GetError())
		}
		for _, f := range response.File {
			files[f.GetName()] = buildVersion.ReplaceAll([]byte(f.GetContent()), nil)
		}
	}
	return files, nil
}

// buildVersion is a line in which vtprotobuf notes the version of the program
// it is part of, here that of this module: it differs from build to build.
var buildVersion = regexp.MustCompile(`(?m)^// protoc-gen-go-vtproto version: .*\n`)

// messages writes the message types.
func messages(plugin *protogen.Plugin) error {
	for _, f := range plugin.Files {
		if f.Generate {
			internal_gengo.GenerateFile(plugin, f)
		}
	}
	return nil
}

// fastCode writes marshalling and unmarshalling without reflection.
func fastCode(plugin *protogen.Plugin) error {
	g, err := generator.NewGenerator(plugin, features, &generator.Config{
		Poolable:        generator.NewObjectSet(),
		PoolableExclude: generator.NewObjectSet(),
	})
	if err != nil {
		return err
	}
	g.Generate()
	return nil
}
