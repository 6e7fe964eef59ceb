// Bundles the page into dist/: index.html, and assets/ with every name carrying a hash of its content.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";

const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
};

const options = {
  bundle: true,
  minify: true,
  metafile: true,
  charset: "utf8",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  outdir: "dist/assets",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  entryNames: "[name]-[hash]",
  define: { "process.env.NODE_ENV": '"production"' },
};

// graphiql/style.css already holds Monaco's styles; Monaco's own imports of them would only repeat them.
const monacoStylesOnce = {
  name: "monaco-styles-once",
  setup: ({ onLoad }) => onLoad({ filter: /monaco-editor[\\/].*\.css$/ }, () => ({ contents: "", loader: "empty" })),
};

// The address of each output, by the name of its entry.
function addresses({ metafile }) {
  const outputs = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint);
  return Object.fromEntries(outputs.map(([path, { entryPoint }]) => [entryPoint, `/assets/${basename(path)}`]));
}

await rm("dist", { recursive: true, force: true });
await mkdir("dist/assets", { recursive: true });

const workers = addresses(await build({ ...options, entryPoints: Object.values(WORKERS), format: "iife" }));
const byLabel = Object.entries(WORKERS).map(([label, entry]) => [label, workers[`node_modules/${entry}`]]);

const page = addresses(
  await build({
    ...options,
    entryPoints: ["graphiql.jsx", "graphiql.css", "icon.svg"],
    format: "esm",
    splitting: true,
    jsx: "automatic",
    loader: { ".svg": "copy", ".woff2": "dataurl" },
    plugins: [monacoStylesOnce],
    define: { ...options.define, WORKERS: JSON.stringify(Object.fromEntries(byLabel)) },
  }),
);

const html = await readFile("index.html", "utf8");
await writeFile("dist/index.html", html.replaceAll(/\{\{(.+?)\}\}/g, (_match, name) => page[name] ?? page[name.replace(/js$/, "jsx")]));
