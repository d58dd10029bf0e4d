"use strict";

const byId = (id) => document.getElementById(id);

/** An element with properties and children. Text is only ever set as text. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A schema with its references filled in, so far as a reader needs it. */
function shown(schema, components, above = []) {
  if (schema === null || typeof schema !== "object") return schema;
  if (Array.isArray(schema)) return schema.map((item) => shown(item, components, above));
  const { $ref: reference, ...own } = schema;
  if (reference) {
    const name = reference.split("/").pop();
    if (above.includes(name)) return { "see above": name };
    return { ...shown(components[name], components, [...above, name]), ...own };
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, shown(value, components, above)]));
}

const json = (value) => element("pre", {}, JSON.stringify(value, null, 2));

function section(title, ...children) {
  return element("details", {}, element("summary", {}, title), ...children);
}

/** An input for a parameter; what it holds is kept under the parameter's name. */
function input(parameter) {
  const { schema, name, example } = parameter;
  const choices = schema.enum;
  const field = choices ? element("select", {}, element("option", { value: "" }, "")) : element("input", { value: example ?? "" });
  for (const choice of choices ?? []) field.append(element("option", { value: choice, selected: choice === example }, choice));
  field.required = parameter.required === true;
  if (schema.type === "array") field.placeholder = "several with commas between";
  return { parameter, field, label: element("label", {}, `${name} (${parameter.in}) ${parameter.description ?? ""}`, field) };
}

/** The address and the headers that the inputs mean. */
function addressed(path, inputs) {
  const headers = new Headers();
  const query = new URLSearchParams();
  for (const { parameter, field } of inputs) {
    const value = field.value.trim();
    if (parameter.in === "path") {
      const escaped = parameter["x-linju-many"] ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
      path = path.replace(`{${parameter.name}}`, () => escaped);
    } else if (value !== "" && parameter.in === "query") {
      const values = parameter.schema.type === "array" ? value.split(",") : [value];
      for (const one of values) query.append(parameter.name, one.trim());
    } else if (value !== "") {
      headers.set(parameter.name, value);
    }
  }
  const text = query.toString();
  return { address: text ? `${path}?${text}` : path, headers };
}

function signed(headers, verb) {
  const token = byId("token").value.trim();
  const csrf = byId("csrf").value.trim();
  if (token) headers.set("authorization", `Bearer ${token}`);
  else if (csrf && verb !== "get") headers.set("x-csrf-token", csrf);
  return token ? "omit" : "same-origin";
}

/** Shows what comes, piece by piece, as a stream may not end. */
async function follow(response, out) {
  const kept = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  out.textContent = `${response.status} ${response.statusText}\n${kept}\n\n`;
  const whole = response.headers.get("content-type") === "application/json";
  if (whole) {
    const text = await response.text();
    try {
      out.textContent += JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      out.textContent += text;
    }
    return;
  }
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader.read()) out.append(piece.value);
}

/** The form to try an operation. */
function trial(verb, path, operation) {
  const inputs = (operation.parameters ?? []).map(input);
  const content = operation.requestBody?.content["application/json"];
  const body = content && element("textarea", { value: JSON.stringify(content.example ?? {}, null, 2), spellcheck: false });
  const out = element("pre", { hidden: true, tabIndex: 0 });
  out.setAttribute("aria-live", "polite");
  const stop = element("button", { type: "button", hidden: true }, "Stop");
  const form = element("form", {}, ...inputs.map(({ label }) => label));
  if (body) form.append(element("label", {}, "Body", body));
  form.append(element("button", {}, "Send"), stop, out);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { address, headers } = addressed(path, inputs);
    const credentials = signed(headers, verb);
    if (body) headers.set("content-type", "application/json");
    const abort = new AbortController();
    stop.onclick = () => abort.abort();
    out.hidden = stop.hidden = false;
    out.textContent = "Waiting…";
    try {
      const sent = { method: verb.toUpperCase(), headers, credentials, body: body?.value, signal: abort.signal };
      await follow(await fetch(address, sent), out);
    } catch (error) {
      out.append(`\n${error.message}`);
    }
    stop.hidden = true;
  });
  return form;
}

function operationOf(verb, path, operation, components) {
  const head = element("summary", {}, element("span", { className: "verb" }, verb), element("code", {}, path), ` ${operation.summary ?? ""}`);
  const whole = element("details", { id: operation.operationId }, head);
  whole.dataset.words = `${verb} ${path} ${operation.summary ?? ""}`.toLowerCase();
  // Filled when it is opened: there are many.
  whole.addEventListener("toggle", () => {
    if (whole.childElementCount > 1) return;
    whole.append(element("p", { className: "told" }, operation.description ?? ""));
    const content = operation.requestBody?.content["application/json"];
    if (content) whole.append(section("Body", json(shown(content.schema, components))));
    const answer = Object.values(operation.responses["200"].content)[0];
    whole.append(section("Answer", json(shown(answer.schema, components))));
    whole.append(section("Try it", trial(verb, path, operation)));
  });
  return whole;
}

function render({ info, tags, paths, components }) {
  byId("about").textContent = info.description;
  for (const tag of tags) {
    const found = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([, operation]) => operation.tags[0] === tag.name)
        .map(([verb, operation]) => operationOf(verb, path, operation, components.schemas)),
    );
    const title = element("h2", {}, tag.name);
    byId("operations").append(element("section", {}, title, element("p", {}, tag.description), ...found));
  }
}

byId("find").addEventListener("input", ({ target }) => {
  const wanted = target.value.trim().toLowerCase();
  for (const operation of document.querySelectorAll("section > details")) {
    operation.hidden = !operation.dataset.words.includes(wanted);
  }
});

fetch("/openapi.json")
  .then((response) => response.json())
  .then(render)
  .catch((error) => {
    byId("about").textContent = `The document cannot be read: ${error.message}`;
  });
