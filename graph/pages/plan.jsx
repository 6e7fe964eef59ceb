// The panel "Plan": which systems the query in the current tab asks, wave by wave, and when each call began and ended.

import { Button, pick, tryParseJSONC, useGraphiQL } from "@graphiql/react";
import { useRef, useState } from "react";

const SHADES = ["primary", "info", "success", "warning", "secondary", "tertiary"];

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const ms = (number) => `${number.toFixed(1)} ms`;

function PlanIcon() {
  return (
    <svg height="1em" viewBox="0 0 24 20" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M1 1.5h9v4H1zM6.5 8h10v4h-10zM14 14.5h9v4h-9z" />
    </svg>
  );
}

function Link({ link }) {
  const did = link.measured;
  return (
    <li>
      <code>{link.path}</code>{" "}
      {link.free ? (
        <span className="plan-figures">no call: the key proves the record</span>
      ) : did ? (
        <span className="plan-figures">
          {count(did.keys, "key")}
          {did.distinct < did.keys && `, ${did.distinct} distinct`}
          {did.known > 0 && `, ${did.known} known`}
          {did.cached > 0 && `, ${did.cached} cached`}, {count(did.calls, "call")}
        </span>
      ) : (
        <span className="plan-figures">at most {count(link.keys, "key")}, not followed</span>
      )}
    </li>
  );
}

function Batch({ step, shade }) {
  return (
    <li>
      <details open>
        <summary>
          <span className={`plan-dot plan-${shade}`} aria-hidden="true" />
          <strong>{step.system}</strong> <code>{step.batch}</code>{" "}
          <span className="plan-figures">
            {step.protocol}, {step.maxKeys === 1 ? "one key a call" : `up to ${step.maxKeys} keys a call`}
          </span>
        </summary>
        <ul>
          {step.links.map((link) => (
            <Link key={`${link.path} ${link.field}`} link={link} />
          ))}
        </ul>
      </details>
    </li>
  );
}

function Tree({ plan, shadeOf }) {
  return (
    <section aria-label="Waves">
      {plan.waves?.map((wave) => (
        <div key={wave.number} className="plan-wave">
          <h3>
            Wave {wave.number} <span className="plan-figures">at most {count(wave.calls, "call")}</span>
          </h3>
          <ul className="plan-tree">
            {wave.batches.map((step) => (
              <Batch key={step.batch} step={step} shade={shadeOf(step.system)} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Waterfall({ measured, shadeOf }) {
  const whole = Math.max(measured.milliseconds, 0.001);
  const part = (number) => `${Math.min(100, (number / whole) * 100)}%`;
  return (
    <section aria-label="Calls">
      <h3>
        {count(measured.calls.length, "call")}{" "}
        <span className="plan-figures">
          {ms(measured.milliseconds)}, of which {ms(measured.processorMilliseconds)} of processor time
        </span>
      </h3>
      <ol className="plan-calls">
        {measured.calls.map((call, number) => (
          <li key={number}>
            <span className="plan-call">
              <strong>{call.system}</strong> <code>{call.batch}</code>
              <span className="plan-figures">
                {ms(call.milliseconds)} from {ms(call.start)}, {count(call.keys, "key")}
                {call.outcome !== "OK" && <b className="plan-failed"> {call.outcome}</b>}
              </span>
            </span>
            <span className="plan-track" aria-hidden="true">
              <span
                className={`plan-bar plan-${call.outcome === "OK" ? shadeOf(call.system) : "error"}`}
                style={{ marginInlineStart: part(call.start), width: part(call.milliseconds) }}
              />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Explanation({ plan }) {
  const systems = [...new Set((plan.waves ?? []).flatMap((wave) => wave.batches.map((step) => step.system)))];
  const shadeOf = (system) => SHADES[Math.max(0, systems.indexOf(system)) % SHADES.length];
  return (
    <>
      <p className="plan-figures">
        {plan.kind} {plan.operation}: {count(plan.fields, "field")}, {plan.engine} engine{plan.reason && ` (${plan.reason})`}.{" "}
        {plan.waves
          ? `${count(plan.waves.length, "wave")}, at most ${count(plan.calls, "call")}; lists of unknown length count as ${plan.assumedItems}.`
          : "No links, so no calls."}
        {plan.resolvers && ` Hand-written, so not planned: ${plan.resolvers.join(", ")}.`}
      </p>
      {plan.measured && <Waterfall measured={plan.measured} shadeOf={shadeOf} />}
      <Tree plan={plan} shadeOf={shadeOf} />
    </>
  );
}

function Plan() {
  const state = useGraphiQL(
    pick("fetcher", "queryEditor", "variableEditor", "headerEditor", "operationName", "tabs", "activeTabIndex"),
  );
  const tab = state.tabs[state.activeTabIndex]?.id;
  const [found, setFound] = useState({});
  const [busy, setBusy] = useState(false);
  const latest = useRef(0);

  // Only the plan of the answer is kept; its data may be somebody's.
  async function explain() {
    const number = ++latest.current;
    setBusy(true);
    let plan, errors;
    try {
      const request = {
        query: state.queryEditor.getValue(),
        variables: tryParseJSONC(state.variableEditor?.getValue()),
        operationName: state.operationName,
        extensions: { plan: "analyse" },
      };
      const answer = await state.fetcher(request, { headers: tryParseJSONC(state.headerEditor?.getValue()) });
      plan = answer.extensions?.plan;
      errors = answer.errors?.map((error) => error.message);
    } catch (error) {
      errors = [error.message];
    }
    if (number === latest.current) {
      setFound({ tab, plan, errors });
      setBusy(false);
    }
  }

  const shown = found.tab === tab ? found : {};
  return (
    <section className="plan" aria-label="Plan">
      <div className="plan-header">
        Plan
        <Button type="button" onClick={explain} disabled={busy}>
          Explain
        </Button>
      </div>
      <p role="status" className="plan-figures">
        {busy ? "Running the query …" : shown.plan || shown.errors ? "" : "Runs the query in this tab and shows which systems it asks, and when."}
      </p>
      {shown.errors && (
        <ul role="alert" className="plan-failed">
          {shown.errors.map((message, number) => (
            <li key={number}>{message}</li>
          ))}
        </ul>
      )}
      {shown.plan && <Explanation plan={shown.plan} />}
    </section>
  );
}

export const PLAN_PLUGIN = { title: "Plan", icon: PlanIcon, content: Plan };
