// The page at `/`: GraphiQL on this gateway's own schema, with the example queries as its first tabs.

import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";
import { PLAN_PLUGIN } from "./plan.jsx";

// Monaco, the editor, asks for its workers by label; build.mjs puts their addresses in WORKERS.
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(WORKERS[label] ?? WORKERS.editor),
};

// A further panel in the side bar is one more plugin: {title, icon, content}. The list must stay the same object between renders.
const PLUGINS = [HISTORY_PLUGIN, PLAN_PLUGIN];

async function json(address, otherwise) {
  const response = await fetch(address);
  return response.ok ? response.json() : otherwise;
}

// In front of the sandbox the gateway names the key of a demo consumer; what a visitor writes into the headers' editor goes before it.
const OWN_HEADERS = await json("/headers.json", {});

async function fetcher(request, { headers } = {}) {
  const sent = new Headers({ Accept: "application/graphql-response+json, application/json", "Content-Type": "application/json", ...OWN_HEADERS });
  for (const [name, value] of Object.entries(headers ?? {})) {
    sent.set(name, value);
  }
  const response = await fetch("/graphql", {
    method: "POST",
    headers: sent,
    body: JSON.stringify(request),
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${response.status} ${response.statusText}: ${text}`.trim());
  }
}

function storedTab() {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem("graphiql:tabState"));
    return tabs[activeTabIndex] ?? tabs[0];
  } catch {
    return undefined;
  }
}

// GraphiQL keeps the tabs and the text in the editor apart, and adds a tab when the two differ, as they do after a quick reload.
// Starting from the stored active tab makes them agree. Its first tab also loses its variables unless they are given here.
async function start() {
  const stored = storedTab();
  const tabs = stored ? [] : await json("/examples.json", []);
  const active = stored ?? tabs[0];
  return {
    defaultTabs: tabs.length > 0 ? tabs : undefined,
    initialQuery: active && (active.query ?? ""),
    initialVariables: active && (active.variables ?? ""),
  };
}

function Wordmark() {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
        <path d="M2 16V6a6 6 0 0 1 12 0v10h-3V6a3 3 0 0 0-6 0v10z" />
        <path opacity=".35" d="M5 16V6a3 3 0 0 1 6 0v10z" />
      </svg>
      Motcua
    </span>
  );
}

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL fetcher={fetcher} plugins={PLUGINS} defaultEditorToolsVisibility="variables" shouldPersistHeaders={false} {...await start()}>
    <GraphiQL.Logo>
      <Wordmark />
    </GraphiQL.Logo>
  </GraphiQL>,
);
