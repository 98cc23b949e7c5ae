// What the clients for Node share: the recording in blocks, at four times its pace, and JSON out.
const fs = require("fs");

const [url, appId, appSecret, file, rate] = process.argv.slice(2);

exports.url = url;
exports.appId = appId;
exports.appSecret = appSecret;
exports.rate = Number(rate);
exports.wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

exports.speak = async (send, from = 0, to = Infinity) => {
  const sound = fs.readFileSync(file);
  const block = Math.floor(exports.rate / 10) * 2;
  for (let first = from; first < Math.min(to, sound.length); first += block) {
    send(sound.subarray(first, Math.min(first + block, sound.length)));
    await exports.wait(25);
  }
};

exports.half = () => Math.floor(fs.statSync(file).size / 4) * 2;

exports.config = () => ({
  meetingTitle: "Kitchen",
  confidenceThreshold: 0.5,
  timezoneOffset: 480,
  languageCode: "en-US",
  sampleRateHertz: exports.rate,
});

exports.collect = () => {
  const came = { speech: [], messages: [], insights: [], topics: [], trackers: [], types: [] };
  const handlers = {
    onSpeechDetected: (told) => came.speech.push(told.punctuated.transcript),
    onMessageResponse: (told) => came.messages.push(...told.map((message) => message.payload.content)),
    onInsightResponse: (told) => came.insights.push(...told.map((insight) => insight.type)),
    onTopicResponse: (told) => came.topics.push(...told.map((topic) => topic.phrases)),
    onTrackerResponse: (told) => came.trackers.push(...told.trackers.map((tracker) => tracker.name)),
    onDataReceived: (told) => came.types.push(told.type === "message" ? told.message.type : told.type),
  };
  return { came, handlers };
};

exports.init = async (sdk, more = {}) => {
  sdk.oauth2.setBasePath(url);
  await sdk.init({ appId, appSecret, basePath: url, tlsAuth: true, logLevel: "error", ...more });
};

exports.finish = (came) => {
  fs.writeSync(1, "\nRESULT " + JSON.stringify(came) + "\n");
  process.exit(0);
};

const give_up = (error) => {
  console.error(error);
  process.exit(1);
};
process.on("unhandledRejection", give_up);
setTimeout(() => give_up(new Error("it takes too long")), 90000).unref();
