package uitest

func apps() []object {
	app := func(id int, nid, name, stack, tiny, description string, categories ...string) object {
		return object{"id": id, "nid": nid, "name": name, "logo": "", "stack": stack, "tiny_description": tiny, "description": description, "categories": categories}
	}
	return []object{
		app(1, "crm", "Contact Desk", "cloud", "Customers, conversations and deals in one place.",
			"Contact Desk keeps every conversation with a customer where the whole team finds it.\n\nIt reads and writes organizations, people and opportunities, so an address that changes in the shop changes here too.", "CRM", "Sales"),
		app(2, "books", "Ledger Bridge", "connector", "Moves invoices, payments and journals to your accountant.",
			"Ledger Bridge sends what is booked to the accountant's system every night and brings back payments.", "Accounting"),
		app(3, "notes", "Team Notes", "cube", "Shared notes beside your customers, running on this platform.",
			"Team Notes runs as your own copy on this platform. Notes belong to customers and people, and everybody in the organization can read them.", "Productivity"),
		app(4, "shop", "Web Shop", "cloud", "Sell online; stock and orders stay in step.", "An online shop that shares items, orders and customers.", "E-commerce", "Sales"),
		app(5, "payroll", "Payday", "cloud", "Payroll for small companies, from time sheet to payslip.", "Payday computes wages from employees and time sheets.", "HR and payroll"),
		app(6, "shifts", "Shift Planner", "cube", "Rosters and time sheets for teams that work in shifts.", "Plan shifts, record hours, export time sheets.", "HR and payroll", "Productivity"),
	}
}
