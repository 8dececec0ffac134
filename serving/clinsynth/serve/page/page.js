// Asks for notes as a stream and shows each with what the server says of it. Text is only ever set as text.
const at = (id) => document.getElementById(id);
const form = at("form");
const AGES = ["0-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80-89", "90+"];
let running = null;
let notes = [];

function make(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

function fail(message) {
  at("error").textContent = message;
  at("error").hidden = !message;
}

function headers() {
  return { "Content-Type": "application/json", Authorization: `Bearer ${at("key").value.trim()}` };
}

async function refusal(answer) {
  try {
    const { message } = (await answer.json()).error;
    return answer.status === 401 ? "This key does not open the server." : message;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

function wish() {
  const list = (id) => at(id).value.split(";").map((one) => one.trim()).filter(Boolean);
  const body = { stream: true, n: Number(at("n").value), mode: form.elements.mode.value };
  for (const id of ["note_type", "specialty", "sex", "age_band", "model"]) {
    const value = at(id).value.trim();
    if (value) body[id] = value;
  }
  for (const id of ["diagnoses", "sections"]) if (list(id).length) body[id] = list(id);
  if (at("seed").value !== "") body.seed = Number(at("seed").value);
  return body;
}

async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: /, "");
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}

function marked(note) {
  const spans = [
    ...note.entities.map((span) => ({ ...span, kind: span.label, name: span.label.toLowerCase() })),
    ...note.phi.map((span) => ({ ...span, kind: "phi", name: `${span.label.toLowerCase()}, not a person's` })),
  ].sort((a, b) => a.start - b.start || b.end - a.end);
  // offsets count characters, JavaScript counts halves of some
  const letters = Array.from(note.text);
  const body = make("div", { className: "text" });
  let done = 0;
  for (const span of spans) {
    if (span.start < done) continue;
    body.append(letters.slice(done, span.start).join(""));
    const mark = make("mark", { className: span.kind, title: span.name }, letters.slice(span.start, span.end).join(""));
    body.append(mark);
    done = span.end;
  }
  body.append(letters.slice(done).join(""));
  return body;
}

function facts(note) {
  const made = note.provenance;
  const rows = {
    model: made.model, card: made.card_sha256, engine: `${made.engine}, ${made.backend}, ${made.dtype}`,
    seed: made.seed, draw: made.attempt, gate: made.gate_version,
    sampling: Object.entries(made.sampling).filter(([, v]) => v !== null).map(([k, v]) => `${k} ${v}`).join(", "),
  };
  const list = make("dl");
  for (const [name, value] of Object.entries(rows)) list.append(make("dt", {}, name), make("dd", {}, String(value)));
  return make("details", {}, make("summary", {}, "Provenance"), list);
}

function reasons(note) {
  const all = [...note.rejected, note.verdict].flatMap((verdict) => verdict.reasons);
  if (!all.length) return "";
  const list = make("dl");
  for (const one of all) list.append(make("dt", {}, one.code), make("dd", {}, one.detail || `characters ${one.start} to ${one.end}`));
  return make("details", {}, make("summary", {}, "What the gate said"), list);
}

function save(name, data) {
  const link = make("a", { href: URL.createObjectURL(new Blob([data], { type: "application/json" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function show(place, note) {
  const decision = note.verdict.decision;
  const words = { pass: "passed the gate", repair: "mended by the gate", reject: "withheld by the gate" };
  const bar = make("div", { className: "bar" },
    make("h3", {}, `Note ${note.index + 1}`),
    make("span", { className: `verdict ${decision}` }, words[decision]));
  place.replaceChildren(bar);
  if (note.text === null) {
    place.append(make("p", {}, "No draw passed the gate, so there is no text."));
  } else {
    const copy = make("button", { type: "button" }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(note.text);
      at("status").textContent = `Note ${note.index + 1} is copied.`;
    });
    const keep = make("button", { type: "button" }, "Download");
    keep.addEventListener("click", () => save(`note-${note.provenance.seed}.json`, JSON.stringify(note, null, 1)));
    place.append(marked(note), make("div", { className: "buttons" }, copy, keep));
  }
  place.append(reasons(note), facts(note));
}

function legend() {
  const seen = new Set(notes.flatMap((note) => note.entities.map((span) => span.label)));
  const rows = [...seen].sort().map((label) => [label, label.toLowerCase()]);
  if (notes.some((note) => note.phi.length)) rows.push(["phi", "stands for a person's data"]);
  at("legend").replaceChildren(...rows.map(([kind, text]) => make("li", {}, make("mark", { className: kind }, text))));
  at("legend").hidden = !rows.length;
}

async function generate() {
  const body = wish();
  const places = new Map();
  notes = [];
  fail("");
  at("list").replaceChildren();
  at("legend").hidden = at("download").hidden = true;
  for (let i = 0; i < body.n; i += 1) {
    const place = make("article", { ariaBusy: "true" }, make("h3", {}, `Note ${i + 1}`), make("progress", { ariaLabel: `Note ${i + 1}` }));
    places.set(i, place);
    at("list").append(place);
  }
  at("status").textContent = "Asked; the model is writing.";
  running = new AbortController();
  const answer = await fetch("/v1/notes", { method: "POST", headers: headers(), body: JSON.stringify(body), signal: running.signal });
  if (!answer.ok) throw new Error(await refusal(answer));
  sessionStorage.setItem("key", at("key").value.trim());
  for await (const event of events(answer)) {
    if (event.error) throw new Error(event.error.message);
    if (event.object === "note.progress") {
      const again = event.attempt > 1 ? `, draw ${event.attempt}` : "";
      at("status").textContent = `Note ${event.index + 1}: ${event.tokens} tokens${again}. Its text comes when the gate has seen the whole.`;
    } else if (event.object === "note") {
      notes.push(event.note);
      const place = places.get(event.note.index);
      show(place, event.note);
      place.ariaBusy = "false";
      legend();
    } else if (event.object === "notes.end") {
      const kept = notes.filter((note) => note.text !== null).length;
      at("status").textContent = `${kept} of ${notes.length} notes, ${event.usage.completion_tokens} tokens, seed ${event.seed}.`;
      at("download").hidden = !kept;
    }
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  at("go").disabled = true;
  at("stop").disabled = false;
  try {
    await generate();
  } catch (error) {
    const stopped = error.name === "AbortError";
    at("status").textContent = stopped ? "Stopped." : "Nothing more comes.";
    if (!stopped) fail(error instanceof TypeError ? "The server cannot be reached." : error.message);
    for (const place of at("list").querySelectorAll("[aria-busy=true]")) place.remove();
  } finally {
    running = null;
    at("go").disabled = false;
    at("stop").disabled = true;
  }
});
at("stop").addEventListener("click", () => running?.abort());
at("download").addEventListener("click", () => save("notes.json", JSON.stringify(notes, null, 1)));

async function models() {
  const answer = await fetch("/v1/models", { headers: headers() });
  if (!answer.ok) return;
  const { data } = await answer.json();
  at("model").replaceChildren(...data.map((one) => make("option", { value: one.id }, one.id)));
  at("model").parentElement.hidden = data.length < 2;
}
at("key").addEventListener("change", models);
at("age_band").append(...AGES.map((band) => make("option", { value: band }, band)));
at("key").value = sessionStorage.getItem("key") ?? "";
if (at("key").value) models();
