// Brings the parts together and asks the server for the YAML of what is drawn.

import { byId } from "./dom.js";
import { Panel } from "./panel.js";
import { Shapes } from "./shapes.js";
import { Stage } from "./stage.js";

const ASK_AFTER_MS = 150;

const begin = await (await fetch("begin")).json();
const shapes = new Shapes(begin.plan);
const tools = [...document.querySelectorAll("[data-tool]")];
byId("camera").textContent = begin.camera;
byId("snapshot").width = begin.width;
byId("snapshot").height = begin.height;
byId("snapshot").src = "snapshot";
byId("save").hidden = begin.saves_to === null;

const stage = new Stage(byId("drawing"), shapes, begin, (hint) => {
  byId("hint").textContent = hint;
  byId("undo").disabled = !(shapes.canUndo || stage?.isDrafting);
  for (const tool of tools) tool.setAttribute("aria-pressed", String(tool.dataset.tool === stage?.tool));
});
new Panel(shapes, begin.labels);

for (const tool of tools) {
  tool.addEventListener("click", () => {
    stage.take(stage.tool === tool.dataset.tool ? null : tool.dataset.tool);
    byId("drawing").focus({ preventScroll: true });
  });
}

byId("undo").addEventListener("click", undo);
byId("redo").addEventListener("click", () => shapes.redo());
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.matches("input[type=text]")) return;
  if (event.key === "z" && !event.shiftKey) undo();
  else if (event.key === "y" || (event.key.toLowerCase() === "z" && event.shiftKey)) shapes.redo();
  else return;
  event.preventDefault();
});

let asking = 0;
let last = 0;
shapes.onChange(() => {
  byId("redo").disabled = !shapes.canRedo;
  clearTimeout(asking);
  asking = setTimeout(() => ask("yaml"), ASK_AFTER_MS);
});

byId("copy").addEventListener("click", async () => {
  if (!(await ask("yaml"))) return;
  try {
    await navigator.clipboard.writeText(byId("yaml").textContent);
    say("Copied.");
  } catch {
    getSelection().selectAllChildren(byId("yaml"));
    say("Selected; copy it with the keys of this machine.");
  }
});
byId("save").addEventListener("click", async () => {
  if (await ask("save")) say(`Saved to ${begin.saves_to}.`);
});
byId("done").addEventListener("click", async () => {
  if (!(await ask("done"))) return;
  document.body.classList.add("over");
  byId("done").disabled = true;
  say("Done. The terminal has the YAML; this page can be closed.");
});

shapes.tell();

function undo() {
  if (!stage.takeBack()) shapes.undo();
}

/** Ask the server; show its YAML or what is wrong, and return whether all is well. An older answer is not shown. */
async function ask(what) {
  last += 1;
  const mine = last;
  let answer;
  try {
    const response = await fetch(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(shapes.plan()) });
    answer = response.ok ? await response.json() : { problems: [`the command answered ${response.status}`] };
  } catch {
    answer = { problems: ["the command is not there any more; start it again (what is drawn here is lost when this page is closed)"] };
  }
  if (mine !== last) return !answer.problems;
  byId("problems").hidden = !answer.problems;
  byId("problems").textContent = (answer.problems ?? []).join("\n");
  byId("yaml").classList.toggle("stale", Boolean(answer.problems));
  if (answer.yaml !== undefined) byId("yaml").textContent = answer.yaml;
  if (what === "yaml") say("");
  return !answer.problems;
}

function say(text) {
  byId("outcome").textContent = text;
}
