import type { Organization, User } from '../api/hub';
import { explain } from '../api/http';
import { signOut } from '../session';
import { Icon } from '../ui/icon';
import { Avatar } from '../ui/logo';
import { Menu } from '../ui/menu';
import { toast } from '../ui/toast';

export function UserMenu({ user, organization }: { user: User; organization: Organization | null }) {
  const name = `${user.name} ${user.surname}`.trim() || user.email;
  return (
    <Menu
      label={`Account of ${name}`}
      buttonClass="avatar-button"
      testid="user-menu"
      button={<Avatar name={name} />}
      header={
        <>
          <b data-testid="user-name">{name}</b>
          <span>{user.email}</span>
          {organization?.current_user_role && <small>{organization.current_user_role} in {organization.name}</small>}
        </>
      }
      entries={[
        {
          label: <><Icon name="out" size={18} />Sign out</>,
          testid: 'sign-out',
          run: () => signOut().catch((e: unknown) => toast(explain(e).text, 'danger')),
        },
      ]}
    />
  );
}
