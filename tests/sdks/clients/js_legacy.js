// npm's @symblai/symbl-js: the older startRealtimeRequest, whose stop() must return.
const { sdk } = require("@symblai/symbl-js");
const { init, collect, config, speak, finish } = require("./common.js");

(async () => {
  await init(sdk);
  const { came, handlers } = collect();
  const connection = await sdk.startRealtimeRequest({
    id: "legacy-" + Date.now(),
    insightTypes: ["question", "action_item"],
    config: config(),
    speaker: { userId: "anna@example.com", name: "Anna" },
    handlers,
  });
  came.conversationId = connection.conversationId;
  await speak((block) => connection.sendAudio(block));
  came.stopped = await connection.stop();
  finish(came);
})();
