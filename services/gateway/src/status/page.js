"use strict";

const byId = (id) => document.getElementById(id);

/** Both languages of one text. Text is only ever set as text. */
function both({ zh = "", en = "" } = {}) {
  const english = Object.assign(document.createElement("span"), { lang: "en", textContent: en });
  return [zh, english];
}

const clock = new Intl.DateTimeFormat("zh-CN", { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Shanghai" });
const day = new Intl.DateTimeFormat("zh-CN", { dateStyle: "medium", timeZone: "Asia/Shanghai" });

function fact(name, value) {
  if (!value) return;
  const term = document.createElement("dt");
  const told = document.createElement("dd");
  term.append(...both(name));
  told.append(...(typeof value === "string" ? [value] : both(value)));
  byId("facts").append(term, told);
}

function step({ at, words }) {
  const item = document.createElement("li");
  item.append(`${clock.format(new Date(at))} `, ...both(words));
  return item;
}

function show(report) {
  byId("state").replaceChildren(...both(report.words));
  byId("facts").replaceChildren();
  fact({ zh: "编号", en: "Number" }, report.number);
  fact({ zh: "类别", en: "About" }, report.category);
  fact({ zh: "收到时间", en: "Received" }, clock.format(new Date(report.reportedAt)));
  fact({ zh: "预计办结", en: "Expected by" }, report.closedAt ? "" : report.expectedAt && day.format(new Date(report.expectedAt)));
  fact({ zh: "办结时间", en: "Closed" }, report.closedAt && clock.format(new Date(report.closedAt)));
  fact({ zh: "下次查看日期", en: "Looked at again on" }, report.nextLookOn);
  byId("steps").replaceChildren(...(report.steps ?? []).map(step));
  byId("answer").hidden = false;
  byId("answer").focus();
}

const REFUSED = {
  NO_SUCH_REPORT: { zh: "没有这个编号，或后四位不符，请核对。", en: "No report has this number and these digits: compare both." },
  TRIED_TOO_OFTEN: { zh: "此编号尝试次数过多，请明天再试，或致电街道办事处。", en: "Tried too often for this number: come back tomorrow, or call the office." },
};
const LATER = { zh: "现在无法查询，请稍后再试。", en: "This cannot be looked up now: try again in a while." };

function refuse(reason) {
  byId("refused").replaceChildren(...both(REFUSED[reason] ?? LATER));
  byId("refused").hidden = false;
}

async function ask(event) {
  event.preventDefault();
  byId("refused").hidden = true;
  byId("answer").hidden = true;
  const body = JSON.stringify({ number: byId("number").value, phoneSuffix: byId("digits").value });
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/v1/reports:lookUp", { method: "POST", headers, body, credentials: "omit" });
    const json = await answer.json();
    if (answer.ok) show(json);
    else refuse((json.details ?? []).map((detail) => detail.reason).find(Boolean));
  } catch {
    refuse();
  }
}

// A message to the reporter may link to /status#20261122-7K3M9Q; what stands after # is not sent to the server.
byId("number").value = location.hash.slice(1, 41);
byId("ask").addEventListener("submit", ask);
