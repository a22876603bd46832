import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';
import './styles/shell.css';
import './styles/pages.css';
import './styles/data.css';

import { render } from 'preact';

import { App } from './app';
import { load } from './session';

const root = document.getElementById('app');
if (root) {
  render(<App />, root);
  void load();
}
