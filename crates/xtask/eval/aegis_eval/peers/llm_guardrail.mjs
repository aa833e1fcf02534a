// llm_guardrail: JSON lines {"id", "text"} in, {"id", "score", "flagged"} out. Its check for
// malicious content is left out: that is another question.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { checkInjection, checkJailbreak } = await import(pathToFileURL(process.argv[2]));

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, text } = JSON.parse(line);
  const found = await Promise.all([checkInjection(text), checkJailbreak(text)]);
  const scores = found.map((one) => (Number.isFinite(one.confidence) ? one.confidence : 0));
  console.log(JSON.stringify({ id, score: Math.max(...scores), flagged: found.some((one) => one.detected) }));
}
