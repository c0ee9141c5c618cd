import { limits } from "#base/limits.ts";
import { createSecret } from "./secret.ts";
import { WorkGate } from "./work-gate.ts";

/**
 * The least that OWASP advises for argon2id: 19 MiB and two passes, about 50 ms of a core. It makes guessing from a stolen
 * file hopeless for generated secrets and slow for human ones, and a login stays quick.
 */
const parameters = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Somebody who follows a verification. */
export interface VerifyTurn {
  begin(): void;
  end(isRight: boolean): void;
}

/**
 * Hashes and verifies secrets, a few at a time: every one takes a core and 19 MiB, so that a crowd of logins must not run
 * all at once.
 */
export class SecretHasher {
  readonly #gate = new WorkGate({
    concurrencyMax: limits.hashConcurrencyMax,
    queueCountMax: limits.hashQueueCountMax,
  });
  #dummy: Promise<string> | undefined;

  hash(secret: string): Promise<string> {
    return this.#gate.run(() => Bun.password.hash(secret, parameters));
  }

  /**
   * True when `secret` is the one behind `hash`. Without a hash it takes as long and is false, so that the time does not
   * tell whether an account exists.
   *
   * @param turn told when it is this secret's turn, just before the work (may throw to refuse it), and of the outcome
   * before the next one has its turn.
   */
  async verify(secret: string, hash: string | undefined, turn?: VerifyTurn): Promise<boolean> {
    this.#dummy ??= Bun.password.hash(createSecret(), parameters);
    const compared = hash ?? (await this.#dummy);
    return this.#gate.run(async () => {
      turn?.begin();
      const isSame = await Bun.password.verify(secret, compared);
      const isRight = isSame && hash !== undefined;
      turn?.end(isRight);
      return isRight;
    });
  }
}
