import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { limits } from "#base/limits.ts";
import { Admission, toNetwork } from "./admission.ts";
import { RequestTrace } from "./request-trace.ts";

const trace = (): RequestTrace => new RequestTrace("id", {});

describe("Admission", () => {
  it("asks for nothing that it does not need", () => {
    const open = new Admission({});
    expect([open.needsAddress, open.countsAnswers]).toEqual([false, false]);
    expect(open.enter("", trace())).toBeUndefined();
  });

  it("has a brim for all requests together", () => {
    const admission = new Admission({});
    for (let count = 0; count < limits.requestsInFlightMax; count += 1) admission.enter("", trace());
    const refused = trace();
    expect(admission.enter("", refused)).toMatchObject({ code: "unavailable" });
    expect(refused.retryAfterSeconds).toBe(1);
    admission.leave("");
    expect(admission.enter("", trace())).toBeUndefined();
  });

  it("forgets an address when its last request is answered", () => {
    const admission = new Admission({ addressConcurrencyMax: 1 });
    for (let round = 0; round < 3; round += 1) {
      expect(admission.enter("1.2.3.4", trace())).toBeUndefined();
      expect(admission.enter("1.2.3.4", trace())).toMatchObject({ code: "too_many_requests" });
      expect(admission.enter("1.2.3.5", trace())).toBeUndefined();
      admission.leave("1.2.3.4");
      admission.leave("1.2.3.5");
    }
    expect(admission.runningCount).toBe(0);
  });
});

describe("toNetwork()", () => {
  it.each([
    ["1.2.3.4", "1.2.3.4"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::6", "2001:db8:1:2"],
    ["2001:db8::6", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1", "fe80:0:0:0"],
  ])("takes %s for %s", (address, network) => {
    expect(toNetwork(address)).toBe(network);
  });

  it("puts all addresses of a network into it, and none of another", () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, (network, one, other) => {
        const of = (host: string[]): string => toNetwork([...network, ...host].join(":"));
        expect(of(one)).toBe(of(other));
        expect(of(one)).toBe(network.join(":"));
      }),
    );
  });
});
