// One way to drive both browsers: Chromium by playwright-core, Firefox by puppeteer-core over WebDriver BiDi.
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observer } from './observer.mjs';

const chromiumPath = '/usr/bin/chromium';
const firefoxPath = '/usr/bin/firefox-esr';
for (const p of [chromiumPath, firefoxPath]) {
  if (!existsSync(p)) throw new Error(`${p} is missing: run scripts/setup test`);
}

export const chromiumArgs = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--auto-select-desktop-capture-source=Entire screen',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
];

export async function launchChromium(extra = [], { executablePath = chromiumPath } = {}) {
  const browser = await chromium.launch({ executablePath, headless: true, args: [...chromiumArgs, ...extra] });
  return {
    name: 'chromium',
    /** A person with cookies and storage of their own. */
    async person(options = {}) {
      const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...options });
      await context.addInitScript(observer);
      const page = await context.newPage();
      return new Person('chromium', page, () => context.close(), async (script, arg) => {
        const next = await context.newPage();
        if (script) await next.addInitScript(script, arg);
        return next;
      });
    },
    close: () => browser.close(),
  };
}

/** Chromium with a profile that refuses third-party cookies; its people share one cookie jar. */
export async function launchStrictChromium() {
  const dir = await mkdtemp(join(tmpdir(), 'incamera-profile-'));
  await mkdir(join(dir, 'Default'));
  await writeFile(join(dir, 'Default', 'Preferences'), JSON.stringify({ profile: { cookie_controls_mode: 1, block_third_party_cookies: true } }));
  const context = await chromium.launchPersistentContext(dir, { executablePath: chromiumPath, headless: true, args: chromiumArgs });
  await context.addInitScript(observer);
  return {
    name: 'chromium',
    async person() {
      const page = await context.newPage();
      return new Person('chromium', page, () => page.close());
    },
    async close() { await context.close(); await rm(dir, { recursive: true, force: true }); },
  };
}

export async function launchFirefox({ acceptInsecureCerts = false } = {}) {
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: firefoxPath, headless: true, acceptInsecureCerts, timeout: 120_000,
    extraPrefsFirefox: {
      'media.navigator.permission.disabled': true, 'media.navigator.streams.fake': true,
      'media.autoplay.default': 0, 'media.peerconnection.ice.obfuscate_host_addresses': false,
      'intl.accept_languages': 'en-GB', 'intl.locale.requested': 'en-GB',
      'app.update.enabled': false, 'datareporting.policy.dataSubmissionEnabled': false, 'toolkit.telemetry.enabled': false,
      'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false,
      'media.gmp-manager.updateEnabled': false, 'extensions.update.enabled': false, 'services.settings.server': '',
      'dom.min_background_timeout_value': 4,
    },
  });
  return {
    name: 'firefox',
    async person() {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport({ width: 1280, height: 800 });
      await page.evaluateOnNewDocument(observer);
      return new Person('firefox', page, () => context.close(), async (script, arg) => {
        const next = await context.newPage();
        await next.setViewport({ width: 1280, height: 800 });
        await next.evaluateOnNewDocument(observer);
        if (script) await next.evaluateOnNewDocument(script, arg);
        return next;
      });
    },
    close: () => browser.close(),
  };
}

/** One person at one page, in words both drivers understand. */
export class Person {
  constructor(browser, page, close, open) {
    this.browser = browser;
    this.close = close;
    this.open = open;
    this.console = [];
    this.#show(page);
  }

  #show(page) {
    this.page = page;
    page.on('console', (m) => this.console.push(`${m.type()}: ${m.text()}`));
    page.on('pageerror', (e) => this.console.push(`pageerror: ${e.message ?? e}`));
  }

  /** Another page in place of this one, with the same cookies; the script runs before each of its documents. */
  async again(script, arg) {
    const before = this.page;
    this.#show(await this.open(script, arg));
    await before.close();
  }

  goto(url) { return this.page.goto(url, { waitUntil: 'domcontentloaded' }); }
  url() { return this.page.url(); }

  /** Runs f in the page. */
  evaluate(f, arg) { return this.page.evaluate(f, arg); }

  /** Waits until f(arg) is true in the page and returns its value. */
  async until(f, arg, { ms = 15_000, what = String(f) } = {}) {
    const end = Date.now() + ms;
    for (;;) {
      let value;
      try { value = await this.page.evaluate(f, arg); } catch (e) { if (Date.now() > end) throw e; }
      if (value) return value;
      if (Date.now() > end) {
        const text = await this.page.evaluate(() => document.body?.innerText?.slice(0, 1500)).catch(() => '');
        throw new Error(`${this.browser}: not within ${ms} ms: ${what} ${JSON.stringify(arg ?? '')}\npage ${this.url()} says:\n${text}\nconsole:\n${this.console.slice(-15).join('\n')}`);
      }
      await new Promise((r) => setTimeout(r, 50));
    }
  }

  see(testid, options) {
    return this.until((id) => {
      const e = document.querySelector(`[data-testid="${id}"]`);
      return !!e && e.getClientRects().length > 0;
    }, testid, { what: 'see', ...options });
  }

  gone(testid, options) {
    return this.until((id) => !document.querySelector(`[data-testid="${id}"]`), testid, { what: 'gone', ...options });
  }

  async click(testid) {
    await this.see(testid);
    await this.page.locator(`[data-testid="${testid}"]`).click();
  }

  async fill(testid, text) {
    await this.see(testid);
    await this.page.locator(`[data-testid="${testid}"]`).fill(text);
  }

  text(testid) {
    return this.page.evaluate((id) => document.querySelector(`[data-testid="${id}"]`)?.textContent ?? '', testid);
  }

  screenshot(path) { return this.page.screenshot({ path }); }

  /** What the observer in the page has counted. */
  facts() { return this.page.evaluate(() => globalThis.__observer.facts()); }

  /** Inbound RTP of every peer connection, flattened. */
  inbound(kind) { return this.page.evaluate((k) => globalThis.__observer.inbound(k), kind); }
  outbound(kind) { return this.page.evaluate((k) => globalThis.__observer.outbound(k), kind); }
  transport() { return this.page.evaluate(() => globalThis.__observer.transport()); }
}
