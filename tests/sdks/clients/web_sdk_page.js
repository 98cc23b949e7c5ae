// The page's script for npm's @symblai/symbl-web-sdk; bundled with it, since the package is made for bundlers.
import { Symbl } from "@symblai/symbl-web-sdk";

const asked = new URLSearchParams(location.search);
const came = { messages: [], insights: [], topics: [], speech: 0, done: false };
window.came = came;

(async () => {
  const symbl = new Symbl({
    appId: asked.get("appId"),
    appSecret: asked.get("appSecret"),
    basePath: asked.get("url"),
  });
  const connection = await symbl.createConnection("web-" + Date.now());
  connection.on("speech_recognition", () => (came.speech += 1));
  connection.on("message", (messages) => came.messages.push(...messages.map((one) => one.payload.content)));
  connection.on("topic", (topics) => came.topics.push(...topics.map((one) => one.phrases)));
  for (const kind of ["question", "action_item", "follow_up"]) connection.on(kind, () => came.insights.push(kind));
  connection.on("conversation_created", (told) => (came.conversationId = told.data.conversationId));
  connection.on("conversation_completed", () => (came.done = true));
  await connection.startProcessing({
    insightTypes: ["question", "action_item", "follow_up"],
    config: { encoding: "LINEAR16", sampleRateHertz: 48000, sentiment: true },
    speaker: { userId: "anna@example.com", name: "Anna" },
  });
  setTimeout(() => connection.stopProcessing(), 1000 * Number(asked.get("seconds")));
})().catch((error) => console.error(String(error && error.stack ? error.stack : error)));
