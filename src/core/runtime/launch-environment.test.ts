import { describe, expect, it } from "bun:test";
import { createLaunchEnvironment, parseUserEnv } from "./launch-environment.ts";

const options = {
  key: { namespace: "foo", name: "greeter", version: "1.0.0" },
  instance: "0123456789ab",
  credential: { id: "greeter-1.0.0", secret: "secret" },
  networkAddress: "127.0.0.1:8443",
  publicKey: "key",
  port: 4000,
  workFolder: "/work",
  runnerEnv: {},
  userEnv: {},
  serverEnv: { PATH: "/bin", TZ: "UTC", HOME: "/root", MICRO_CONFIG_SECRET_KEY: "secret of the server" },
};

describe("createLaunchEnvironment()", () => {
  it("is what the service needs and nothing else", () => {
    expect(createLaunchEnvironment(options)).toEqual({
      PATH: "/bin",
      TZ: "UTC",
      HOME: "/work",
      TMPDIR: "/work/tmp",
      HOST: "127.0.0.1",
      PORT: "4000",
      MICRO_SERVICE_NETWORK: "127.0.0.1:8443",
      MICRO_SERVICE_PROFILE: "client",
      MICRO_SERVICE_NAME: "greeter",
      MICRO_SERVICE_VERSION: "1.0.0",
      MICRO_SERVICE_INSTANCE: "0123456789ab",
      MICRO_NAMESPACE: "foo",
      MICRO_CLIENT_ID: "greeter-1.0.0",
      MICRO_CLIENT_SECRET: "secret",
      MICRO_PUBLIC_KEY: "key",
    });
  });

  it("lets the user set anything but who the service is", () => {
    const env = createLaunchEnvironment({
      ...options,
      address: "unix:/run/a.sock",
      userEnv: parseUserEnv(["A=b=c", "EMPTY=", "MICRO_SERVICE_PROFILE=other", "MICRO_SERVICE_ADDRESS=127.0.0.1:9000"]),
    });
    expect(env).toMatchObject({
      A: "b=c",
      EMPTY: "",
      MICRO_SERVICE_PROFILE: "other",
      MICRO_SERVICE_ADDRESS: "127.0.0.1:9000",
    });
    expect(() => parseUserEnv(["MICRO_CLIENT_SECRET=mine"])).toThrow("MICRO_CLIENT_SECRET is set by the runtime");
  });

  it("refuses what is no variable, without showing its value", () => {
    for (const pair of ["A", "=b", "1A=b", "A B=c", "A=b\0c", ""])
      expect(() => parseUserEnv([pair])).toThrow("NAME=value");
    expect(() => parseUserEnv(["my-password=hunter2"])).toThrow('environment variable "my-password" must be');
  });
});
