// npm's @symblai/symbl-js: the line breaks in the middle, and the SDK's own reconnection joins the conversation again.
const net = require("net");
const { sdk } = require("@symblai/symbl-js");
const common = require("./common.js");
const { collect, config, speak, half, wait, finish } = common;

// A line that can be cut: the engine stands behind it.
const behind = new URL(common.url);
const open = new Set();
const line = net.createServer((near) => {
  const far = net.connect(Number(behind.port), behind.hostname);
  near.pipe(far).pipe(near);
  for (const end of [near, far]) {
    open.add(end);
    end.on("error", () => {}).on("close", () => { open.delete(end); near.destroy(); far.destroy(); });
  }
});

line.listen(0, "127.0.0.1", async () => {
  const basePath = `http://127.0.0.1:${line.address().port}`;
  await common.init(sdk, { basePath, reconnectOnError: true });
  const { came, handlers } = collect();
  came.conversations = [];
  handlers.onRequestStart = (told) => came.conversations.push(told.data.conversationId);
  const stream = await sdk.createStream({
    id: "reconnect-" + Date.now(),
    insightTypes: ["question", "action_item"],
    config: config(),
    speaker: { userId: "anna@example.com", name: "Anna" },
    noConnectionTimeout: 60,
    reconnectOnError: true,
    basePath,
    handlers,
  });
  await stream.start();
  await speak((block) => stream.sendAudio(block), 0, half());
  open.forEach((end) => end.destroy());
  while (came.conversations.length < 2) await wait(50);
  await speak((block) => stream.sendAudio(block), half());
  came.stopped = await stream.stop();
  await wait(200);
  finish(came);
});
