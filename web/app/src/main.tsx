import { render } from 'preact';
import { App } from './App.js';
import { applyPrefs } from './state/prefs.js';
import { startRouter } from './state/router.js';
import { loadSession } from './state/session.js';
import { startStepUp } from './state/stepup.js';

applyPrefs();
startRouter();
startStepUp();
void loadSession();
const place = document.getElementById('app');
if (place) render(<App />, place);
