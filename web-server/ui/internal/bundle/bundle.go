// Package bundle builds the web page: it turns src/ and vendor/ into the
// files of dist/ with esbuild used as a library. The result depends on nothing
// but the bytes it reads, so the same sources give the same dist/ everywhere.
package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Options choose between the page we ship and the one the browser tests drive.
type Options struct {
	// Test compiles the hook window.__waymark in. Never set for dist/.
	Test bool
}

// vendored are the libraries served as they are, beside the bundle: the map
// renderer finds its worker by address, and neither changes when our code does.
var vendored = []struct{ key, file string }{
	{"MAPLIBRE_URL", "vendor/maplibre-gl/maplibre-gl.mjs"},
	{"WORKER_URL", "vendor/maplibre-gl/maplibre-gl-worker.mjs"},
	{"MAPLIBRE_CSS_URL", "vendor/maplibre-gl/maplibre-gl.css"},
}

// packages maps the import names our sources use to vendored files.
var packages = map[string]string{
	"preact":               "vendor/preact/preact.mjs",
	"preact/hooks":         "vendor/preact/hooks.mjs",
	"preact/jsx-runtime":   "vendor/preact/jsxRuntime.mjs",
	"@preact/signals":      "vendor/preact-signals/signals.mjs",
	"@preact/signals-core": "vendor/preact-signals-core/signals-core.mjs",
}

var sourceMapComment = regexp.MustCompile(`(?m)\n?(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$`)

// Build returns the files of dist/ by slash-separated name. fsys is the folder
// of package ui: it holds src/ and vendor/.
func Build(fsys fs.FS, o Options) (map[string][]byte, error) {
	out := map[string][]byte{}
	urls := map[string]string{}
	for _, v := range vendored {
		b, err := fs.ReadFile(fsys, v.file)
		if err != nil {
			return nil, fmt.Errorf("read vendored file: %w", err)
		}
		urls[v.key] = add(out, path.Base(v.file), sourceMapComment.ReplaceAll(b, nil))
	}
	topo, err := fs.ReadFile(fsys, "vendor/world-atlas/countries-50m.json")
	if err != nil {
		return nil, fmt.Errorf("read world map: %w", err)
	}
	worldJSON, err := world(topo)
	if err != nil {
		return nil, fmt.Errorf("convert world map: %w", err)
	}
	urls["WORLD_URL"] = add(out, "world.json", worldJSON)
	icon, err := fs.ReadFile(fsys, "src/icon.svg")
	if err != nil {
		return nil, fmt.Errorf("read icon: %w", err)
	}
	urls["ICON_URL"] = add(out, "icon.svg", icon)
	licences, err := licenceTexts(fsys)
	if err != nil {
		return nil, err
	}
	urls["LICENCES_URL"] = add(out, "licences.txt", licences)

	js, css, err := compile(fsys, o, urls, out)
	if err != nil {
		return nil, err
	}
	index, err := fs.ReadFile(fsys, "src/index.html")
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	for from, to := range map[string]string{
		"%APP_JS%": js, "%APP_CSS%": css, "%MAP_CSS%": urls["MAPLIBRE_CSS_URL"], "%ICON%": urls["ICON_URL"],
	} {
		if !bytes.Contains(index, []byte(from)) {
			return nil, fmt.Errorf("index.html lacks %s", from)
		}
		index = bytes.ReplaceAll(index, []byte(from), []byte(to))
	}
	out["index.html"] = index
	return out, nil
}

// add files content under a name that carries its hash and returns its address.
func add(out map[string][]byte, base string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(base)
	name := "assets/" + strings.TrimSuffix(base, ext) + "-" + hex.EncodeToString(sum[:5]) + ext
	out[name] = content
	return "/" + name
}

func compile(fsys fs.FS, o Options, urls map[string]string, out map[string][]byte) (js, css string, err error) {
	test := "false"
	if o.Test {
		test = "true"
	}
	result := api.Build(api.BuildOptions{
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "src/main.tsx", OutputPath: "app"},
			{InputPath: "src/css/app.css", OutputPath: "style"},
		},
		AbsWorkingDir:     "/",
		Outdir:            "/assets",
		EntryNames:        "[name]-[hash]",
		ChunkNames:        "[name]-[hash]",
		Bundle:            true,
		Splitting:         true,
		Format:            api.FormatESModule,
		Platform:          api.PlatformBrowser,
		Engines:           []api.Engine{{Name: api.EngineChrome, Version: "109"}, {Name: api.EngineFirefox, Version: "115"}, {Name: api.EngineSafari, Version: "16.4"}},
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		JSX:               api.JSXAutomatic,
		JSXImportSource:   "preact",
		Define:            map[string]string{"__TEST__": test},
		TsconfigRaw:       `{"compilerOptions":{"strict":true}}`,
		Plugins:           []api.Plugin{sources(fsys, urls)},
		LogLevel:          api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		return "", "", fmt.Errorf("bundle:\n%s", strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
	}
	for _, f := range result.OutputFiles {
		name := "assets/" + path.Base(strings.ReplaceAll(f.Path, `\`, "/"))
		out[name] = f.Contents
		switch base := path.Base(name); {
		case strings.HasPrefix(base, "app-") && path.Ext(base) == ".js":
			js = "/" + name
		case strings.HasPrefix(base, "style-"):
			css = "/" + name
		}
	}
	if js == "" || css == "" {
		return "", "", fmt.Errorf("bundle gave no script or no style")
	}
	return js, css, nil
}

// sources lets esbuild read from fsys only: no file of the machine, no path of
// it in the output, and symbolic links of a sandbox do not matter.
func sources(fsys fs.FS, urls map[string]string) api.Plugin {
	loaders := map[string]api.Loader{
		".ts": api.LoaderTS, ".tsx": api.LoaderTSX, ".mjs": api.LoaderJS, ".css": api.LoaderCSS, ".json": api.LoaderJSON,
	}
	return api.Plugin{Name: "waymark", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			switch {
			case a.Path == "waymark:assets":
				return api.OnResolveResult{Path: a.Path, Namespace: "waymark"}, nil
			case a.Path == "maplibre-gl":
				return api.OnResolveResult{Path: urls["MAPLIBRE_URL"], External: true}, nil
			case packages[a.Path] != "":
				return api.OnResolveResult{Path: packages[a.Path], Namespace: "ui"}, nil
			case a.Kind == api.ResolveEntryPoint:
				return api.OnResolveResult{Path: a.Path, Namespace: "ui"}, nil
			case !strings.HasPrefix(a.Path, "."):
				return api.OnResolveResult{}, fmt.Errorf("%q is not vendored", a.Path)
			}
			base := path.Join(path.Dir(a.Importer), a.Path)
			for _, ext := range []string{"", ".ts", ".tsx"} {
				if info, err := fs.Stat(fsys, base+ext); err == nil && !info.IsDir() {
					return api.OnResolveResult{Path: base + ext, Namespace: "ui"}, nil
				}
			}
			return api.OnResolveResult{}, fmt.Errorf("no file %s", base)
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "waymark"}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			var s strings.Builder
			for _, k := range []string{"MAPLIBRE_URL", "WORKER_URL", "WORLD_URL", "LICENCES_URL"} {
				fmt.Fprintf(&s, "export const %s = %q;\n", k, urls[k])
			}
			text := s.String()
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "ui"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			raw, err := fs.ReadFile(fsys, a.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			text := string(sourceMapComment.ReplaceAll(raw, nil))
			return api.OnLoadResult{Contents: &text, Loader: loaders[path.Ext(a.Path)]}, nil
		})
	}}
}
