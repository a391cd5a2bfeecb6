// Package gazelle is the part of //:gazelle that is ours: it makes the lines
// "# gazelle:default_visibility" hold for a folder whose BUILD file does not
// exist yet. Gazelle's own extension passes such a folder over, and the new
// package would be open to everybody.
package gazelle

import (
	"slices"
	"strings"

	"github.com/bazelbuild/bazel-gazelle/language"
	"github.com/bazelbuild/bazel-gazelle/language/bazel/visibility"
	"github.com/bazelbuild/bazel-gazelle/rule"
)

// NewLanguage is what gazelle_binary calls. List it before the Go language,
// which then writes no visibility of its own.
func NewLanguage() language.Language {
	v := visibility.NewLanguage()
	return inherit{v, v.(language.ModuleAwareLanguage)}
}

type inherit struct {
	language.Language
	language.ModuleAwareLanguage
}

// GenerateRules writes package(default_visibility = ...) into BUILD files, old and new.
func (i inherit) GenerateRules(args language.GenerateArgs) language.GenerateResult {
	isGo := func(name string) bool { return strings.HasSuffix(name, ".go") }
	if args.File == nil && slices.ContainsFunc(args.RegularFiles, isGo) {
		args.File = rule.EmptyFile("", args.Rel)
	}
	return i.Language.GenerateRules(args)
}
