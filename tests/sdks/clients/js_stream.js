// npm's @symblai/symbl-js: createStream, with somebody who subscribes, and a pause in the middle.
const { sdk } = require("@symblai/symbl-js");
const { init, collect, config, speak, half, wait, finish } = require("./common.js");

(async () => {
  await init(sdk);
  const { came, handlers } = collect();
  const id = "kitchen-" + Date.now();
  came.subscribed = [];
  const stream = await sdk.createStream({
    id,
    insightTypes: ["question", "action_item", "follow_up"],
    trackers: [{ name: "Repairs", vocabulary: ["call the plumber"] }],
    config: config(),
    speaker: { userId: "anna@example.com", name: "Anna" },
    disconnectOnStopRequest: false,
    disconnectOnStopRequestTimeout: 60,
    noConnectionTimeout: 60,
    handlers,
  });
  const subscription = await sdk.subscribeToStream(id, (told) => came.subscribed.push(told.type));
  await stream.start();
  came.conversationId = await stream.conversationId;
  await speak((block) => stream.sendAudio(block), 0, half());
  await stream.stop();
  await stream.start();
  await speak((block) => stream.sendAudio(block), half());
  came.stopped = await stream.stop();
  await wait(1500);
  subscription.close();
  stream.close();
  finish(came);
})();
