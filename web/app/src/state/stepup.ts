// A request that asks for a second factor is not lost: the page asks the person for exactly that factor, in a sheet that
// leaves everything else where it is, and then sends the request again.

import type { FactorAsked } from '@incamera/sdk';
import { signal } from '@preact/signals';
import { answerFactorDemands, ApiError, type FactorDemand } from '../api.js';
import { session } from './session.js';

/** What is being asked for; null: nothing. */
export const asking = signal<FactorDemand | null>(null);

let answer: ((given: boolean) => void) | null = null;
let current: Promise<boolean> | null = null;

/**
 * Asks the person for a second factor and resolves to whether they gave it. Demands that come while one is open share its
 * answer; a passkey asked for meanwhile makes the open one stricter.
 */
export function askFactor(demand: FactorDemand): Promise<boolean> {
  if (session.value.state !== 'in') return Promise.resolve(false);
  if (!current || demand.acr === 'phishing_resistant') asking.value = demand;
  current ??= new Promise<boolean>((resolve) => { answer = resolve; });
  return current;
}

/** The sheet's last word. */
export function answered(given: boolean): void {
  const resolve = answer;
  answer = null;
  current = null;
  asking.value = null;
  resolve?.(given);
}

/** What a refusal of anything (HTTP, the meeting's socket) asks for; null: it is another refusal. */
export function demandOf(error: unknown): FactorDemand | null {
  const thrown = error as { code?: unknown } | null;
  if (thrown?.code !== 'second_factor_required') return null;
  const { stepUp } = error as { stepUp?: FactorAsked };
  if (stepUp) return { acr: stepUp.acr, maxAge: Math.floor(stepUp.maxAgeMs / 1000) };
  return error instanceof ApiError && error.demand ? error.demand : { acr: 'mfa', maxAge: 0 };
}

/** Runs something; when it is refused for want of a factor, asks for that and runs it once more. */
export async function withFactor<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const demand = demandOf(error);
    if (!demand || !(await askFactor(demand))) throw error;
    return run();
  }
}

/** From here on every request of the page that asks for a factor gets its answer this way. */
export function startStepUp(): void {
  answerFactorDemands(askFactor);
}
