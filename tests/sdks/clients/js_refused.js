// npm's @symblai/symbl-js with a token that the engine refuses: it tries again and again, without a pause of its own.
const net = require("net");
const { sdk } = require("@symblai/symbl-js");
const common = require("./common.js");

const behind = new URL(common.url);
const came = { attempts: 0 };
const line = net.createServer((near) => {
  came.attempts += 1;
  const far = net.connect(Number(behind.port), behind.hostname);
  near.pipe(far).pipe(near);
  for (const end of [near, far]) end.on("error", () => {}).on("close", () => { near.destroy(); far.destroy(); });
});
const part = (told) => Buffer.from(JSON.stringify(told)).toString("base64url");

line.listen(0, "127.0.0.1", async () => {
  const basePath = `http://127.0.0.1:${line.address().port}`;
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const accessToken = [{ alg: "HS256", typ: "JWT" }, { sub: "nobody", iat: exp - 3600, exp }, {}].map(part).join(".");
  await sdk.init({ accessToken, basePath, tlsAuth: true, logLevel: "error", reconnectOnError: true });
  sdk.createStream({ id: "refused-" + Date.now(), config: common.config(), reconnectOnError: true, basePath }).catch(() => {});
  await common.wait(5000);
  common.finish(came);
});
